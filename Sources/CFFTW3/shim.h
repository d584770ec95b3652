// FFTW 3 in double and single precision: the float spectrogram's transform.
#include <fftw3.h>
