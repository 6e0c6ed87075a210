# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A private certificate authority for tests: server, client, expired and foreign certificates, made in milliseconds."""

from __future__ import annotations

import datetime
import ipaddress
import itertools
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LOOPBACK_NAMES = ("localhost", "127.0.0.1")


@dataclass(frozen=True)
class Certificate:
    """PEM files of one certificate, its key (mode 0600) and the authority that signed it."""

    cert_file: Path
    key_file: Path
    ca_file: Path


class Authority:
    """A new certificate authority that keeps its files in `directory`."""

    def __init__(self, directory: Path, name: str = "Test CA") -> None:
        self._directory = directory
        self._numbers = itertools.count(1)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name(name)
        begin, end = _validity(days=3650)
        self._certificate = (
            x509.CertificateBuilder()
            .subject_name(self._name)
            .issuer_name(self._name)
            .public_key(self._key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begin)
            .not_valid_after(end)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_key_usage(authority=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        directory.mkdir(parents=True, exist_ok=True)
        self.ca_file = directory / "ca.pem"
        self.ca_file.write_bytes(self._certificate.public_bytes(serialization.Encoding.PEM))

    @property
    def ca_pem(self) -> str:
        """The authority's certificate as text, for options that take the content and not a file."""
        return self.ca_file.read_text()

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the authority's certificate, as openssl prints it."""
        return self._certificate.fingerprint(hashes.SHA256()).hex(":").upper()

    def server(self, *names: str, days: float = 30, expired: bool = False) -> Certificate:
        """A server certificate for DNS names and IP addresses (default: localhost and 127.0.0.1)."""
        return self._issue(names or LOOPBACK_NAMES, ExtendedKeyUsageOID.SERVER_AUTH, days, expired)

    def client(self, name: str = "migration", days: float = 30, expired: bool = False) -> Certificate:
        """A client certificate."""
        return self._issue((name,), ExtendedKeyUsageOID.CLIENT_AUTH, days, expired)

    def _issue(self, names: tuple[str, ...], usage: x509.ObjectIdentifier, days: float, expired: bool) -> Certificate:
        key = ec.generate_private_key(ec.SECP256R1())
        begin, end = _validity(days, expired)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(_name(names[0]))
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begin)
            .not_valid_after(end)
            .add_extension(x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(authority=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        stem = self._directory / f"certificate-{next(self._numbers)}"
        cert_file, key_file = stem.with_suffix(".pem"), stem.with_suffix(".key")
        cert_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        key_file.touch(mode=0o600)
        key_file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return Certificate(cert_file, key_file, self.ca_file)


def _validity(days: float, expired: bool = False) -> tuple[datetime.datetime, datetime.datetime]:
    now = datetime.datetime.now(datetime.UTC)
    hour, length = datetime.timedelta(hours=1), datetime.timedelta(days=days)
    return (now - length - hour, now - hour) if expired else (now - hour, now + length)


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name[:64])])


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _key_usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )
