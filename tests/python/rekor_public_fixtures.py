"""An entry of the public log of Sigstore, Rekor v1, that everybody can look up: number 99434465, of June 2024.

The envelope is signed with a key, the one of the npm registry at that time.
"""

from sigstore_log_fixtures import Json

PAYLOAD = (
    "eyJfdHlwZSI6Imh0dHBzOi8vaW4tdG90by5pby9TdGF0ZW1lbnQvdjAuMSIsInN1YmplY3QiOlt7Im5hbWUiOiJwa2c6bnBtL2d1"
    "bmRhbS12aXNvckAxLjAuMSIsImRpZ2VzdCI6eyJzaGE1MTIiOiI4ZDlkNzk3MmY2NzY1MTZjNzUwMTRhYTA3NGUxMWFlNjA0ZDk4"
    "ZjBiNjRlYzY3MjVhNjFlMjgzOGZmM2RhYjE2MjExOGZhNzE0MzNmYjMxZTE1NTBkMzBiZDBkZWM5ZDA4NmNlMDMyYjk0NDU3YjU4"
    "MzkwMGM1MDdhY2YzOWM0MCJ9fV0sInByZWRpY2F0ZVR5cGUiOiJodHRwczovL2dpdGh1Yi5jb20vbnBtL2F0dGVzdGF0aW9uL3Ry"
    "ZWUvbWFpbi9zcGVjcy9wdWJsaXNoL3YwLjEiLCJwcmVkaWNhdGUiOnsibmFtZSI6Imd1bmRhbS12aXNvciIsInZlcnNpb24iOiIx"
    "LjAuMSIsInJlZ2lzdHJ5IjoiaHR0cHM6Ly9yZWdpc3RyeS5ucG1qcy5vcmcifX0="
)

SIGNATURE = "MEUCIF56JbQQVP94bkPymcC5s1Mu7kruACigKYfKUSX/d9oPAiEAm7PB5vN3uhBoxHsa0bmrBHeQ1yoprimfGMOiN8vEE3Y="

LOG: Json = {
    "baseUrl": "https://rekor.sigstore.dev",
    "hashAlgorithm": "SHA2_256",
    "publicKey": {
        "rawBytes": (
            "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE2G2Y+2tabdTV5BcGiBIx0a9fAFwrkBbmLSGtks4L3qX6yYY0zufBnhC8Ur/iy55G"
            "hWP/9A/bY2LhC30M9+RYtw=="
        ),
        "keyDetails": "PKIX_ECDSA_P256_SHA_256",
        "validFor": {"start": "2021-01-12T11:53:27Z"},
    },
    "logId": {"keyId": "wNI9atQGlz+VWfO6LRygH4QUfY/8W4RFwiT5i5WRgB0="},
}

ENTRY: Json = {
    "logIndex": "99434465",
    "logId": {"keyId": "wNI9atQGlz+VWfO6LRygH4QUfY/8W4RFwiT5i5WRgB0="},
    "kindVersion": {"kind": "intoto", "version": "0.0.2"},
    "integratedTime": "1717453081",
    "inclusionPromise": {
        "signedEntryTimestamp": (
            "MEYCIQDOARAGyVHccisvQm5E60IccfY9M2u5a+0YRCiawh75cAIhAMxJbSqi4J9ngL4/dG+2b0UW+9dHtpY9DgV79LgYj8NY"
        ),
    },
    "inclusionProof": {
        "logIndex": "95271034",
        "rootHash": "0COmZPs5R/MmjgbpNSlBuNMC7DLFOK4YqRWL8IvvWVg=",
        "treeSize": "95271036",
        "hashes": [
            "h57Dn4I0XAl/b8bE8l/MF9lGHPrG2roJabnnU0mYfeI=",
            "33mTL3BkADC8Vi+wRLX8b42hUX2nqXHI3BOjzYzBH44=",
            "R4HYAPV3bDnGRcJ86KDUqny6fDqU9Qlbv5CjktO7D3E=",
            "XJhxQu3fMX4CsqKvtdiF5Yff1dZTjkUS3IoduvaunC0=",
            "Xk1XiLw9Jb9ZxC4iNLUN0RMolPAQ5uy+xVlU4T5ePh0=",
            "V4pG0KBpGywjX7eYBkt9xOfzBGmgDAUumQrMFGttu5o=",
            "bdiW+QbcKwgoiHTYy1AGRipRPs8I6mjJZNBkmLuw43Y=",
            "Rh9QDMnMoFoxIEqVbyya9Wkz99NGv2xYTN32feHLE3A=",
            "/bWhZ36DcEsXeRI6E5pG6DshJI3cEsWzJy1UdMqPeaA=",
            "49anUgnAYwwLfQAZcBb6C6u7tNhwYdKtnLNg+0ZQK2c=",
            "EbT5mQYci44fcTz1vjOpBOVJE7TPJY+rLIsZxXgqBOk=",
            "40yHIq9mqoqfhVgnEQAlLLRLeehet/WJr/saCTYG91k=",
            "7I4hi3dOO4k//2YwZ5WLzohtTmuh8nP71JQQaZTGd00=",
            "OE/VFuAFgf7OOQO93xqJMVNRLOibj/3LQ5OMQP5ZWCo=",
            "cX3Agx+hP66t1ZLbX/yHbfjU46/3m/VAmWyG/fhxAVc=",
            "sjohk/3DQIfXTgf/5XpwtdF7yNbrf8YykOMHr1CyBYQ=",
            "98enzMaC+x5oCMvIZQA5z8vu2apDMCFvE/935NfuPw8=",
        ],
        "checkpoint": {
            "envelope": (
                "rekor.sigstore.dev - 2605736670972794746\n"
                "95271036\n"
                "0COmZPs5R/MmjgbpNSlBuNMC7DLFOK4YqRWL8IvvWVg=\n"
                "\n"
                "\u2014 rekor.sigstore.dev wNI9ajBFAiBeM+LPeS5kNpplQkq7P1qAWVhCySznP10aOQzAoetdogIhALIO"
                "NG8mAfKHxo08BjMsO527I5c1BV4Z1x27d6vBLmbb\n"
            ),
        },
    },
    "canonicalizedBody": (
        "eyJhcGlWZXJzaW9uIjoiMC4wLjIiLCJraW5kIjoiaW50b3RvIiwic3BlYyI6eyJjb250ZW50Ijp7ImVudmVsb3BlIjp7InBheWxv"
        "YWRUeXBlIjoiYXBwbGljYXRpb24vdm5kLmluLXRvdG8ranNvbiIsInNpZ25hdHVyZXMiOlt7ImtleWlkIjoiU0hBMjU2OmpsM2J3"
        "c3d1ODBQampva0NnaDBvMnc1YzJVNExoUUFFNTdnajljejFrekEiLCJwdWJsaWNLZXkiOiJMUzB0TFMxQ1JVZEpUaUJRVlVKTVNV"
        "TWdTMFZaTFMwdExTMEtUVVpyZDBWM1dVaExiMXBKZW1vd1EwRlJXVWxMYjFwSmVtb3dSRUZSWTBSUlowRkZNVTlzWWpONlRVRkdS"
        "bmhZUzBocFNXdFJUelZqU2pOWmFHdzFhVFpWVUhBclNXaDFkR1ZDU21KMVNHTkJOVlZ2WjB0dk1FVlhkR3hYZDFjMlMxTmhTMjlV"
        "VGtWWlREZEtiRU5SYVZadWEyaENhM1JWWjJjOVBRb3RMUzB0TFVWT1JDQlFWVUpNU1VNZ1MwVlpMUzB0TFMwPSIsInNpZyI6IlRV"
        "VlZRMGxHTlRaS1lsRlJWbEE1TkdKclVIbHRZME0xY3pGTmRUZHJjblZCUTJsblMxbG1TMVZUV0M5a09XOVFRV2xGUVcwM1VFSTFk"
        "azR6ZFdoQ2IzaEljMkV3WW0xeVFraGxVVEY1YjNCeWFXMW1SMDFQYVU0NGRrVkZNMWs5In1dfSwiaGFzaCI6eyJhbGdvcml0aG0i"
        "OiJzaGEyNTYiLCJ2YWx1ZSI6ImY3ZGFlNTQzNzg4ODI1YzhmYTM4Yzk5NWExZjI2OTUxMDMwM2M4N2I4ZTQyZDViMmU2YjEyMDM2"
        "ZGYwYmQyNDMifSwicGF5bG9hZEhhc2giOnsiYWxnb3JpdGhtIjoic2hhMjU2IiwidmFsdWUiOiJjMzU2MzdmMDk3YmU1NGU4YjVm"
        "NzI5MTQ4M2Y5NjcyMmZiNWU0YjgyYjk3N2M5ZjVmN2NmMTVlOGViMmU3NTYyIn19fX0="
    ),
}
