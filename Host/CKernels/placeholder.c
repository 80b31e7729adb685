typedef int placeholder_CKernels;
