typedef int placeholder_CSystemPosix;
