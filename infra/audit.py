"""What is installed, judged from outside: known vulnerabilities, licences, and a bill of materials (SBOM).

`python -m infra.audit FOLDER` writes vulnerabilities.json, licences.md and sbom.json there. Its tools lie in a virtual
environment of their own, FOLDER/tools, so that they change nothing here. It asks the internet.
"""

import json
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

TOOLS = Path(__file__).with_name("audit-tools.lock")
NOT_PUBLIC = ("winnow",)
"""No index knows these."""


@dataclass(frozen=True)
class Judgement:
    """What is known of the installed packages."""

    asked: int
    """So many packages were looked up."""
    vulnerable: tuple[str, ...]
    """A line for each known vulnerability."""
    unknown: tuple[str, ...]
    """These could not be looked up, so that nothing is known of them."""

    @property
    def is_clean(self) -> bool:
        """Whether every package was looked up, and none has a known vulnerability."""
        return not (self.vulnerable or self.unknown)

    def __str__(self) -> str:
        lines = [*(f"vulnerable: {line}" for line in self.vulnerable)]
        if self.unknown:
            lines.append(f"not looked up, {len(self.unknown)}: {', '.join(self.unknown)}")
        return "\n".join([*lines, f"{self.asked} packages looked up, {len(self.vulnerable)} known vulnerabilities"])


def judge(found: str) -> Judgement:
    """Read what pip-audit wrote; a package that it left out counts as unknown, not as sound."""
    packages = [one for one in json.loads(found)["dependencies"] if one["name"] not in NOT_PUBLIC]
    vulnerable = [
        f"{one['name']} {one['version']}: {flaw['id']}, mended in {', '.join(flaw['fix_versions']) or 'no version'}"
        for one in packages
        for flaw in one.get("vulns", ())
    ]
    unknown = [one["name"] for one in packages if "skip_reason" in one]
    return Judgement(len(packages) - len(unknown), tuple(vulnerable), tuple(unknown))


def audit(folder: Path) -> Judgement:
    """Write the three files, and return the judgement on vulnerabilities."""
    tools = _make_tools(folder.resolve() / "tools")
    found, installed = folder / "vulnerabilities.json", sysconfig.get_path("purelib")
    # It ends with 1 where it finds something, which the judgement says.
    words = ["--progress-spinner=off", f"--path={installed}", "--format=json", f"--output={found}"]
    subprocess.run([tools / "pip-audit", *words], check=False, stderr=subprocess.DEVNULL)
    words = ["--format=markdown", "--order=license", f"--output-file={folder / 'licences.md'}"]
    subprocess.run([tools / "pip-licenses", f"--python={sys.executable}", *words], check=True)
    words = ["environment", sys.executable, "--of=JSON", f"--output-file={folder / 'sbom.json'}"]
    subprocess.run([tools / "cyclonedx-py", *words], check=True)
    return judge(found.read_text(encoding="utf-8"))


def _make_tools(folder: Path) -> Path:
    """Install the tools, whose files are known by hash; return where their programs are."""
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    words = ["--quiet", "--disable-pip-version-check", "--require-hashes", "-r", str(TOOLS)]
    subprocess.run([folder / "bin" / "python", "-m", "pip", "install", *words], check=True)
    return folder / "bin"


if __name__ == "__main__":
    judgement = audit(Path(sys.argv[1]))
    sys.stdout.write(f"{judgement}\n")
    sys.exit(0 if judgement.is_clean else 1)
