"""Where a gradebook lies."""

from __future__ import annotations

import re
from pathlib import Path

import sqlalchemy as sa

_MOUNTS = Path("/proc/self/mounts")
#: Types of file systems that other machines write as well, so that memory cannot be shared with all who do.
_NETWORK = re.compile(
    r"nfs\d?|cifs|smb\w*|ncpfs|afs|9p|ceph|glusterfs|lustre|gpfs|beegfs\w*|orangefs|pvfs2|ocfs2|gfs2|davfs"
    r"|fuse\.(sshfs|glusterfs\w*|ceph\w*|davfs\w*|rclone|s3fs|smb\w*|gcsfuse|lustre|beegfs\w*|nfs\w*)"
)


def place_name(place: Path | sa.URL | None) -> str:
    """Return where a gradebook is, for a reader: of a URL neither the password nor what else may hold one."""
    if not isinstance(place, sa.URL):
        return str(place)
    kept = {name: place.query[name] for name in ("host", "port") if name in place.query}
    return place.set(drivername="postgresql", query=kept).render_as_string(hide_password=True)


def network_file_system(path: Path, mounts: str | None = None) -> str | None:
    """Return the type of the network file system that ``path`` lies on; None on a local one, or where nobody knows.

    ``mounts`` is what to read in place of Linux's own table.
    """
    if mounts is None:
        try:
            mounts = _MOUNTS.read_text(encoding="utf-8", errors="surrogateescape")
        except OSError:
            return None
    place = path.resolve()
    found, length = "", -1
    for line in mounts.splitlines():
        _, point, kind, *_ = [*line.split(" "), "", "", ""]
        mounted = Path(re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), point))
        # Of two at one point the later one is seen.
        if place.is_relative_to(mounted) and len(mounted.parts) >= length:
            found, length = kind, len(mounted.parts)
    return found if _NETWORK.fullmatch(found) else None
