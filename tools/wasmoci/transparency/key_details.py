"""The keys whose signatures Rekor v2 logs, and its names for them.

Source: sigstore's algorithm registry, as cosign 3.1.1 and rekor-tiles 2.3 use it. Rekor v2 knows an entry's
signature by the digest that was signed. So it logs no pure Ed25519, and wants P-384 with SHA-384 and P-521
with SHA-512, with which cosign's own signatures of these keys are not made.
"""

# By the names that ImagePublicKey has for algorithms.
KEY_DETAILS = {
    "ecdsa-p256": "PKIX_ECDSA_P256_SHA_256",
    "rsa-2048": "PKIX_RSA_PKCS1V15_2048_SHA256",
    "rsa-3072": "PKIX_RSA_PKCS1V15_3072_SHA256",
    "rsa-4096": "PKIX_RSA_PKCS1V15_4096_SHA256",
}
