// OpenSSL's digests and signatures: the SHA-256 sums that name files, and Ed25519 with keys in PEM.
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
