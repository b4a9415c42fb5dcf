"""The least that a multiplex worker can do: it writes a few bytes to each output, an argument after the first.

`FOLDER:COUNT` is a folder with so many files, placed as those of an image layout.
"""

import json
import sys
from pathlib import Path

for line in sys.stdin:
    request = json.loads(line)
    for output in request["arguments"][1:]:
        folder, _, count = output.partition(":")
        files = [Path(folder)]
        if count:
            blobs = Path(folder) / "blobs/sha256"
            blobs.mkdir(parents=True)
            files = [blobs.parents[1] / "index.json", blobs.parents[1] / "oci-layout"]
            files += [blobs / f"{number:064}" for number in range(int(count) - len(files))]
        for file in files:
            file.write_bytes(request["arguments"][0].encode())
    print(json.dumps({"requestId": request.get("requestId", 0)}), flush=True)
