"""Makes sounds/: files of a tone in many forms, and files that are no good.

    pip install numpy soundfile
    python3 Plugins/Speech/Tests/SoundsTests/make_sounds.py
"""

import io
import pathlib
import shutil
import struct

import numpy as np
import soundfile

folder = pathlib.Path(__file__).parent / "sounds"
shutil.rmtree(folder, ignore_errors=True)
folder.mkdir()


def tone(rate, seconds=0.3, channels=1):
    """440 Hz with an amplitude of 0.5; of several channels each a multiple of it, 0.5 on average."""
    time = np.arange(int(rate * seconds)) / rate
    wave = 0.5 * np.sin(2 * np.pi * 440 * time)
    if channels == 1:
        return wave
    return wave[:, None] * 2 * np.arange(1, channels + 1) / (channels + 1)


def made(name, data, rate, kind, subtype):
    stream = io.BytesIO()
    soundfile.write(stream, data, rate, format=kind, subtype=subtype)
    (folder / name).write_bytes(stream.getvalue())
    return stream.getvalue()


wav = made("mono.wav", tone(16000), 16000, "WAV", "PCM_16")
made("stereo-float.wav", tone(44100, 0.2, 2), 44100, "WAV", "FLOAT")
made("telephone.wav", tone(8000), 8000, "WAV", "ULAW")
flac = made("mono.flac", tone(22050), 22050, "FLAC", "PCM_16")
made("192khz.flac", tone(192000, 0.2), 192000, "FLAC", "PCM_16")
made("8-channels.flac", tone(16000, 0.2, 8), 16000, "FLAC", "PCM_16")
made("vorbis.ogg", tone(44100, 0.4), 44100, "OGG", "VORBIS")
made("opus.ogg", tone(48000, 0.4), 48000, "OGG", "OPUS")
made("mono.mp3", tone(44100, 0.4), 44100, "MP3", "MPEG_LAYER_III")
made("clipped.wav", np.clip(4 * tone(16000), -1, 1), 16000, "WAV", "PCM_16")
made("silent.wav", np.zeros(8000), 16000, "WAV", "PCM_16")

made("no-samples.wav", np.zeros(0), 16000, "WAV", "PCM_16")
made("one-sample.wav", np.full(1, 0.5), 16000, "WAV", "PCM_16")
made("no-number.wav", np.where(np.arange(800) == 300, np.nan, 0.1), 16000, "WAV", "FLOAT")
(folder / "cut.wav").write_bytes(wav[:3000])
(folder / "cut.flac").write_bytes(flac[: len(flac) // 2])
# As a program leaves it that cannot seek in what it writes.
at = wav.index(b"data") + 4
(folder / "open-ended.wav").write_bytes(wav[:4] + b"\xff" * 4 + wav[8:at] + b"\xff" * 4 + wav[at + 4 :])
(folder / "33-channels.wav").write_bytes(
    b"RIFF" + struct.pack("<I", 36 + 66) + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 33, 16000, 33 * 32000, 66, 16)
    + b"data" + struct.pack("<I", 66) + bytes(66))
(folder / "text.wav").write_text("This is no sound.\n")
