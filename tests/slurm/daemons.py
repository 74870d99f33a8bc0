"""A SLURM cluster of one machine, with real daemons on the loopback: munged, slurmctld, slurmd; and what accounts need.

It stands in a temporary folder but for its configuration, which SLURM's own commands look for in /etc/slurm on a node:
the plugin hands no other place on to `srun`. A configuration that is there already is never touched. CPUs, memory and
GPUs of the nodes are made up.
"""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

ETC = Path("/etc/slurm")
MARK = "# written by the tests of taskneurons"
CPUS, MEMORY, GPUS = 2, 20_000, 2
"""Of a node; memory in MB."""
ACCOUNT = "lab"
"""The one account, where the cluster keeps accounts."""
_PORTS = {"slurmctld": 16817, "slurmdbd": 16819, "slurmd": 17000}


class Unavailable(Exception):
    """Why no cluster can be started here."""


@dataclass
class Cluster:
    """A cluster that runs.

    Attributes:
        folder: its state, its logs.
        nodes: their names.
    """

    folder: Path
    nodes: tuple[str, ...]

    def ask(self, *command: str) -> str:
        """What a command of SLURM prints."""
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout

    def jobs(self) -> dict[str, str]:
        """The state of each job that waits or works, by its number."""
        rows = self.ask("squeue", "--noheader", "--format=%i|%T").splitlines()
        return dict(row.split("|") for row in rows)

    def drain(self) -> None:
        """Let no node take another job."""
        self.ask("scontrol", "update", f"nodename={','.join(self.nodes)}", "state=drain", "reason=test")

    def resume(self) -> None:
        """Let nodes take jobs again."""
        self.ask("scontrol", "update", f"nodename={','.join(self.nodes)}", "state=resume")

    def clear(self) -> None:
        """Cancel every job, and wait until none is left."""
        self.ask("scancel", "--user", "root")
        wait_for(lambda: not self.jobs(), "the end of all jobs", 60)


def wait_for(condition: Callable[[], object], what: str, seconds: float) -> None:
    """Wait until something is so; it fails after some seconds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{what} did not come in {seconds} s"
        time.sleep(0.2)


def why_not(*, accounting: bool) -> str | None:
    """Why a cluster cannot be started on this machine; None where nothing speaks against it."""
    packages = {"munged": "munge", "slurmctld": "slurm-wlm", "slurmd": "slurm-wlm"}
    if accounting:
        packages |= {"slurmdbd": "slurmdbd", "mariadbd": "mariadb-server"}
    if missing := sorted({package for program, package in packages.items() if not _program(program)}):
        return f"the daemons of SLURM are not installed: apt-get install {' '.join(missing)}"
    if os.geteuid():
        return "the daemons of SLURM need root, and this is another user"
    if find_spec("snakemake_executor_plugin_slurm") is None:
        return "the executor plugin is not installed: pip install snakemake-executor-plugin-slurm"
    for name in ("slurm.conf", "slurmdbd.conf", "gres.conf"):
        path = ETC / name
        if path.exists() and MARK not in path.read_text():
            return f"{path} is the configuration of another cluster"
    for name, port in _PORTS.items():
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port + (name == "slurmd"))) == 0:
                return f"something listens on port {port}, where {name} would"
    return None


@contextmanager
def cluster(*, accounting: bool = False, nodes: int = 1) -> Iterator[Cluster]:
    """A cluster, until the end of the block.

    Raises:
        Unavailable: it cannot be started here; the message says why.
    """
    if reason := why_not(accounting=accounting):
        raise Unavailable(reason)
    folder = Path(tempfile.mkdtemp(prefix="taskneurons-slurm-"))
    folder.chmod(0o755)
    one = Cluster(folder, tuple(f"n{number}" for number in range(1, nodes + 1)))
    try:
        _start(one, accounting)
        yield one
    finally:
        _end(one)


def _start(one: Cluster, accounting: bool) -> None:
    folder = one.folder
    for name in ("log", "pid", "state", "munge", *(f"spool.{node}" for node in one.nodes)):
        (folder / name).mkdir(mode=0o700 if name == "pid" else 0o755)
    ETC.mkdir(exist_ok=True)
    key = folder / "munge" / "key"
    key.touch(mode=0o600)
    key.write_bytes(os.urandom(1024))
    ticket = folder / "munge" / "socket"
    _daemon(
        one,
        "munged",
        "--force",
        f"--key-file={key}",
        f"--socket={ticket}",
        f"--pid-file={folder}/pid/munged",
        f"--log-file={folder}/log/munged",
        f"--seed-file={folder}/munge/seed",
    )
    _wait(one, "munged", 10, "munge", "-S", str(ticket), "-n")
    if accounting:
        _start_accounting(one, ticket)
    (ETC / "slurm.conf").write_text(_configuration(one, ticket, accounting))
    (ETC / "gres.conf").write_text(f"{MARK}\nNodeName=n[1-{len(one.nodes)}] Name=gpu {_gpus(folder)}\n")
    _daemon(one, "slurmctld", "-i")
    _wait(one, "slurmctld", 20, "scontrol", "ping")
    for node in one.nodes:
        _daemon(one, "slurmd", "-N", node)
    end = time.monotonic() + 30
    while one.ask("sinfo", "--noheader", "--Node", "--format=%T").split() != ["idle"] * len(one.nodes):
        if time.monotonic() > end:
            raise Unavailable(f"the nodes did not become idle: {_said(one)}")
        time.sleep(0.2)
    _wait(one, "a first job", 60, "srun", "-n1", "-t1", "--mem=100", "true")


def _start_accounting(one: Cluster, ticket: Path) -> None:
    folder = one.folder
    data, door = folder / "mysql", folder / "mysql.sock"
    _run(
        one,
        "mariadb-install-db",
        "--no-defaults",
        "--user=root",
        f"--datadir={data}",
        "--auth-root-authentication-method=socket",
        "--auth-root-socket-user=root",
        "--skip-test-db",
    )
    log = (folder / "log" / "mariadbd").open("w")
    subprocess.Popen(
        [
            _program("mariadbd") or "mariadbd",
            "--no-defaults",
            "--user=root",
            f"--datadir={data}",
            f"--socket={door}",
            "--skip-networking",
            f"--pid-file={folder}/pid/mariadbd",
            "--innodb-buffer-pool-size=64M",
            "--innodb-lock-wait-timeout=900",
            "--innodb-flush-log-at-trx-commit=2",
        ],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        start_new_session=True,
    )
    _wait(one, "mariadbd", 60, "mariadb-admin", "--no-defaults", f"--socket={door}", "ping")
    settings = ETC / "slurmdbd.conf"
    settings.touch(mode=0o600)
    settings.write_text(
        f"{MARK}\nAuthType=auth/munge\nAuthInfo=socket={ticket}\nDbdHost=localhost\nDbdAddr=127.0.0.1\n"
        f"DbdPort={_PORTS['slurmdbd']}\nSlurmUser=root\nStorageType=accounting_storage/mysql\nStorageHost=localhost\n"
        f"StorageUser=root\nStorageLoc=slurm_acct\nLogFile={folder}/log/slurmdbd\nPidFile={folder}/pid/slurmdbd\n"
        "CommunicationParameters=NoInAddrAny\n"
    )
    # sacctmgr reads where the database daemon is from the configuration of the cluster.
    (ETC / "slurm.conf").write_text(_configuration(one, ticket, True))
    _daemon(one, "slurmdbd", MYSQL_UNIX_PORT=str(door))
    _wait(one, "slurmdbd", 30, "sacctmgr", "-n", "show", "cluster")
    for add in (
        ["cluster", "loopback"],
        ["account", ACCOUNT, "Cluster=loopback"],
        ["user", "root", f"Account={ACCOUNT}", f"DefaultAccount={ACCOUNT}"],
    ):
        # The user root and its own account may be there already.
        subprocess.run(["sacctmgr", "-i", "-Q", "add", *add], capture_output=True, timeout=60, check=False)


def _configuration(one: Cluster, ticket: Path, accounting: bool) -> str:
    folder, host = one.folder, socket.gethostname().partition(".")[0]
    storage = "AccountingStorageType=accounting_storage/none"
    if accounting:
        storage = (
            "AccountingStorageType=accounting_storage/slurmdbd\nAccountingStorageHost=127.0.0.1\n"
            f"AccountingStoragePort={_PORTS['slurmdbd']}\nAccountingStoragePass={ticket}\n"
            "AccountingStorageTRES=gres/gpu\nAccountingStorageEnforce=associations"
        )
    nodes = "\n".join(
        f"NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 Port={_PORTS['slurmd'] + number} CPUs={CPUS} "
        f"RealMemory={MEMORY} Gres=gpu:{GPUS} State=UNKNOWN"
        for number, node in enumerate(one.nodes, start=1)
    )
    return f"""{MARK}
ClusterName=loopback
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={_PORTS["slurmctld"]}
SrunPortRange=16900-16999
AuthType=auth/munge
AuthInfo=socket={ticket},cred_expire=5
CryptoType=crypto/munge
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
SlurmUser=root
SlurmdUser=root
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool.%n
SlurmctldPidFile={folder}/pid/slurmctld
SlurmdPidFile={folder}/pid/slurmd.%n
SlurmctldLogFile={folder}/log/slurmctld
SlurmdLogFile={folder}/log/slurmd.%n
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=5
MpiDefault=none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerType=sched/backfill
SchedulerParameters=bf_interval=2,sched_interval=2,batch_sched_delay=0,sched_min_interval=0
ReturnToService=2
MinJobAge=300
KillWait=30
GresTypes=gpu
JobRequeue=0
{storage}
PartitionName=main Nodes=n[1-{len(one.nodes)}] Default=YES MaxTime=7-00:00:00 State=UP
{nodes}
"""


def _gpus(folder: Path) -> str:
    """GPUs that SLURM counts and binds: devices like /dev/null, or a count where none can be made."""
    with suppress(OSError):
        for number in range(GPUS):
            os.mknod(folder / f"gpu{number}", 0o666 | 0o020000, os.makedev(1, 3))
        return f"File={folder}/gpu[0-{GPUS - 1}]"
    return f"Count={GPUS}"


def _program(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")


def _daemon(one: Cluster, name: str, *arguments: str, **environment: str) -> None:
    """Start a daemon that leaves this process by itself."""
    _run(one, _program(name) or name, *arguments, **environment)


def _run(one: Cluster, *command: str, **environment: str) -> None:
    log = one.folder / "log" / f"{Path(command[0]).name}.start"
    with log.open("a") as out:
        done = subprocess.run(
            command,
            env=os.environ | environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            timeout=120,
            check=False,
        )
    if done.returncode:
        raise Unavailable(f"{Path(command[0]).name} does not start: {log.read_text()[-500:]} {_said(one)}")


def _wait(one: Cluster, what: str, seconds: float, *command: str) -> None:
    end = time.monotonic() + seconds
    while True:
        with suppress(subprocess.TimeoutExpired):
            if subprocess.run(command, capture_output=True, timeout=seconds, check=False).returncode == 0:
                return
        if time.monotonic() > end:
            raise Unavailable(f"{what} did not answer in {seconds:.0f} s: {_said(one)}")
        time.sleep(0.2)


def _said(one: Cluster) -> str:
    """The last words of each daemon."""
    lines = [path.read_text(errors="replace").splitlines()[-2:] for path in sorted((one.folder / "log").iterdir())]
    return " | ".join(line for last in lines for line in last)


def _end(one: Cluster) -> None:
    """End what was started, in the order in which each can still say good-bye, and remove what was written."""
    with suppress(OSError, subprocess.SubprocessError, AssertionError):
        one.clear()
    for name in (*(f"slurmd.{node}" for node in one.nodes), "slurmctld", "slurmdbd", "mariadbd", "munged"):
        with suppress(OSError, ValueError):
            _kill(int((one.folder / "pid" / name).read_text()))
    for name in ("slurm.conf", "slurmdbd.conf", "gres.conf"):
        path = ETC / name
        if path.is_file() and MARK in path.read_text():
            path.unlink()
    shutil.rmtree(one.folder, ignore_errors=True)


def _kill(pid: int) -> None:
    for number, seconds in ((signal.SIGTERM, 10), (signal.SIGKILL, 5)):
        end = time.monotonic() + seconds
        with suppress(ProcessLookupError):
            os.kill(pid, number)
            while time.monotonic() < end:
                # A daemon that we started ourselves stays until it is waited for.
                with suppress(ChildProcessError):
                    os.waitpid(pid, os.WNOHANG)
                os.kill(pid, 0)
                time.sleep(0.1)
            continue
        return
