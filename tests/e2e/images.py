"""Tiny container images made by hand, byte for byte as wanted, and skopeo as the judge of what registries hold.

An image is a value (its blobs and its manifest), so that a test can compare what arrives with what was sent.
Formats: OCI image specification 1.1 (manifest.md, config.md, image-index.md, image-layout.md).
"""

import gzip
import hashlib
import io
import json
import os
import subprocess
import tarfile
import tempfile
import urllib.request
from dataclasses import dataclass, field

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


def digest_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def encode(document):
    return json.dumps(document, separators=(",", ":"), sort_keys=True).encode()


@dataclass
class Layer:
    """A layer: its compressed bytes and the digest of the tar inside (the diff id)."""

    data: bytes
    diff_id: str


def layer(files):
    """A layer with these files (path -> bytes); the same files give the same bytes."""
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path, content in sorted(files.items()):
            entry = tarfile.TarInfo(path)
            entry.size = len(content)
            entry.mode = 0o755 if path.startswith("bin/") else 0o644
            archive.addfile(entry, io.BytesIO(content))
    return Layer(gzip.compress(tar.getvalue(), compresslevel=1, mtime=0), digest_of(tar.getvalue()))


@dataclass
class Image:
    """A manifest (or index) with the blobs (or manifests) that it names."""

    manifest: bytes
    media_type: str = MANIFEST
    blobs: dict = field(default_factory=dict)  # digest -> bytes, config and layers
    children: list = field(default_factory=list)  # images of an index
    architecture: str = "amd64"

    @property
    def digest(self):
        return digest_of(self.manifest)


def image(layers, architecture="amd64", labels=None, annotations=None):
    config = encode(
        {
            "architecture": architecture,
            "os": "linux",
            "config": {"Labels": labels or {}},
            "rootfs": {"type": "layers", "diff_ids": [one.diff_id for one in layers]},
            "history": [{"created_by": "by hand"} for _ in layers],
        }
    )
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": {"mediaType": CONFIG, "digest": digest_of(config), "size": len(config)},
        "layers": [{"mediaType": LAYER, "digest": digest_of(one.data), "size": len(one.data)} for one in layers],
    }
    if annotations:
        manifest["annotations"] = annotations
    blobs = {digest_of(config): config, **{digest_of(one.data): one.data for one in layers}}
    return Image(encode(manifest), MANIFEST, blobs, architecture=architecture)


def artifact(kind, content, subject=None):
    """A signature or SBOM as oras and cosign make them; with a `subject`, it refers to that image."""
    empty = b"{}"
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "artifactType": kind,
        "config": {"mediaType": "application/vnd.oci.empty.v1+json", "digest": digest_of(empty), "size": len(empty)},
        "layers": [{"mediaType": "application/octet-stream", "digest": digest_of(content), "size": len(content)}],
    }
    if subject:
        manifest["subject"] = {"mediaType": subject.media_type, "digest": subject.digest, "size": len(subject.manifest)}
    return Image(encode(manifest), MANIFEST, {digest_of(empty): empty, digest_of(content): content})


def referrers_index(referrers):
    """What a registry without the referrers API keeps under the fallback tag of a subject."""
    entries = [
        {
            "mediaType": one.media_type,
            "digest": one.digest,
            "size": len(one.manifest),
            "artifactType": json.loads(one.manifest)["artifactType"],
        }
        for one in referrers
    ]
    return Image(encode({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}), INDEX, {}, children=list(referrers))


def fallback_tag(subject):
    return subject.digest.replace(":", "-")


def push_signed(reference, one):
    """Pushes an image with an SBOM that names it as its subject, and a signature under cosign's tag; (SBOM, signature)."""
    repository = reference.rpartition(":")[0]
    sbom = artifact("application/spdx+json", b"packages of " + one.digest.encode(), subject=one)
    signature = artifact("application/vnd.dev.cosign.artifact.sig.v1+json", b"signature of " + one.digest.encode())
    push(f"{repository}:{fallback_tag(one)}", sbom)
    put_manifest(f"{repository}:{fallback_tag(one)}", referrers_index([sbom]))
    push(f"{repository}:{fallback_tag(one)}.sig", signature)
    push(reference, one)
    return sbom, signature


def random_image(size=2000, architecture="amd64", files=None):
    """An image that nobody has seen before, with `size` random bytes in it."""
    return image([layer({"etc/random": os.urandom(size), **(files or {})})], architecture)


def index(children, annotations=None):
    document = {
        "schemaVersion": 2,
        "mediaType": INDEX,
        "manifests": [
            {
                "mediaType": child.media_type,
                "digest": child.digest,
                "size": len(child.manifest),
                "platform": {"os": "linux", "architecture": child.architecture},
            }
            for child in children
        ],
    }
    if annotations:
        document["annotations"] = annotations
    return Image(encode(document), INDEX, {}, children=list(children))


def write_layout(folder, one):
    """Writes an OCI image layout that holds `one` under the name `image`."""
    blobs = os.path.join(folder, "blobs", "sha256")
    os.makedirs(blobs, exist_ok=True)

    def put(data):
        with open(os.path.join(blobs, digest_of(data).split(":")[1]), "wb") as file:
            file.write(data)

    for part in [one, *one.children]:
        put(part.manifest)
        for data in part.blobs.values():
            put(data)
    with open(os.path.join(folder, "oci-layout"), "w", encoding="ascii") as file:
        file.write('{"imageLayoutVersion":"1.0.0"}')
    with open(os.path.join(folder, "index.json"), "wb") as file:
        file.write(
            encode(
                {
                    "schemaVersion": 2,
                    "manifests": [
                        {
                            "mediaType": one.media_type,
                            "digest": one.digest,
                            "size": len(one.manifest),
                            "annotations": {"org.opencontainers.image.ref.name": "image"},
                        }
                    ],
                }
            )
        )


def skopeo(*arguments, check=True):
    """Runs skopeo; returns its standard output as bytes, or None when it failed and `check` is off."""
    done = subprocess.run(
        ["skopeo", "--insecure-policy", *arguments], stdin=subprocess.DEVNULL, capture_output=True, timeout=120
    )
    if done.returncode == 0:
        return done.stdout
    if check:
        raise AssertionError(f"skopeo {' '.join(arguments)}: {done.stderr.decode(errors='replace')}")
    return None


def push(reference, one):
    """Pushes an image or index, as it is, to `host:port/repository:tag`; returns its digest."""
    with tempfile.TemporaryDirectory(prefix="sluice-layout-") as folder:
        write_layout(folder, one)
        skopeo(
            *["copy", "--all", "--preserve-digests", "--dest-tls-verify=false", "--quiet"],
            *[f"oci:{folder}:image", f"docker://{reference}"],
        )
    return one.digest


def put_manifest(reference, one):
    """What skopeo cannot push: an index of things that are no images. What it lists must be there."""
    repository, tag = reference.rsplit(":", 1)
    host, path = repository.split("/", 1)
    url = f"http://{host}/v2/{path}/manifests/{tag}"
    request = urllib.request.Request(url, one.manifest, {"Content-Type": one.media_type}, method="PUT")
    urllib.request.urlopen(request, timeout=10).close()


def raw_manifest(reference):
    """The manifest's bytes as the registry serves them, or None when there is no such image."""
    return skopeo("inspect", "--raw", "--tls-verify=false", f"docker://{reference}", check=False)


def remote_digest(reference):
    """The digest that a tag names now, or None; computed from the bytes, not taken from a header."""
    raw = raw_manifest(reference)
    return None if raw is None else digest_of(raw)


def pull_blobs(reference):
    """Every blob below a reference, all platforms, as digest -> bytes, as skopeo pulls (and verifies) them."""
    with tempfile.TemporaryDirectory(prefix="sluice-pull-") as folder:
        skopeo(
            *["copy", "--all", "--preserve-digests", "--src-tls-verify=false", "--quiet"],
            *[f"docker://{reference}", f"oci:{folder}:image"],
        )
        blobs = {}
        directory = os.path.join(folder, "blobs", "sha256")
        for name in os.listdir(directory):
            with open(os.path.join(directory, name), "rb") as file:
                blobs["sha256:" + name] = file.read()
        return blobs
