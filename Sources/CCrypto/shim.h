// OpenSSL's digests: the SHA-256 sums of downloaded files.
#include <openssl/evp.h>
