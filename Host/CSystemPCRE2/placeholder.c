typedef int placeholder_CSystemPCRE2;
