"""The `command` check of the end-to-end tests: looks at the staged image through skopeo, never through sluice.

Usage: judge.py VERDICTS. Appends "<digest> good|bad" to that file. Fails for images with the label `broken`.
"""

import json
import os
import sys

import images


def main():
    image = os.environ["SLUICE_IMAGE"]
    digest = image.rsplit("@", 1)[1]
    if images.remote_digest(image) != digest:
        print(f"{image} is not there, or is not what its digest says")
        return 3
    config = images.skopeo("inspect", "--config", "--tls-verify=false", f"docker://{image}")
    labels = json.loads(config).get("config", {}).get("Labels") or {}
    broken = labels.get("broken") == "true"
    with open(sys.argv[1], "a", encoding="utf-8") as file:
        file.write(f"{digest} {'bad' if broken else 'good'}\n")
    print("this image is broken: it says so itself" if broken else "this image is good")
    return 1 if broken else 0


sys.exit(main())
