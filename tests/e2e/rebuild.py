"""A team's build, started by the `exec` trigger: puts one layer on the promoted base and pushes the result.

Usage: rebuild.py REQUESTS. First appends the request to that file as one line of JSON (O_APPEND, in one write), so
that it is on record even when the build is killed.
"""

import json
import os
import sys
import tempfile

import images


def read_base(folder, reference):
    """Manifest and config of an image, and all its blobs."""
    images.skopeo(
        *["copy", "--preserve-digests", "--src-tls-verify=false", "--quiet"],
        *[f"docker://{reference}", f"oci:{folder}:image"],
    )

    def blob(digest):
        with open(os.path.join(folder, "blobs", "sha256", digest.split(":")[1]), "rb") as file:
            return file.read()

    with open(os.path.join(folder, "index.json"), encoding="utf-8") as file:
        manifest = json.loads(blob(json.load(file)["manifests"][0]["digest"]))
    config = json.loads(blob(manifest["config"]["digest"]))
    return [
        images.Layer(blob(each["digest"]), diff_id)
        for each, diff_id in zip(manifest["layers"], config["rootfs"]["diff_ids"])
    ]


def main():
    request = {
        name: os.environ[variable]
        for name, variable in {
            "key": "SLUICE_IDEMPOTENCY_KEY",
            "run": "SLUICE_RUN",
            "dependent": "SLUICE_DEPENDENT",
            "image": "SLUICE_IMAGE",
            "base": "SLUICE_BASE_BY_DIGEST",
        }.items()
    }
    file = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.write(file, (json.dumps(request) + "\n").encode())
    os.close(file)
    with tempfile.TemporaryDirectory(prefix="sluice-build-") as folder:
        layers = read_base(folder, request["base"])
    layers.append(images.layer({"app/main": f"{request['dependent']} {os.urandom(8).hex()}".encode()}))
    print("pushed", images.push(request["image"], images.image(layers)))


main()
