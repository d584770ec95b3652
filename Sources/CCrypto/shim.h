// OpenSSL's digests: the SHA-256 sums that name files.
#include <openssl/evp.h>
