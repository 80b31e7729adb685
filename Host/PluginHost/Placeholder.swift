// Emptied by the first real file.
