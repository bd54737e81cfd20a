"""What deploy/ has fits the program and is tight: image, compose, systemd, Kubernetes."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from flask import Flask

from cli import processes
from settings import PREFIX, ROOT, Settings, postgresql_url

DEPLOY = ROOT / "deploy"
USER = 10001
PORT = 5000
FOLDER = "/var/lib/leukoscope"


def text_of(name: str) -> str:
    return (DEPLOY / name).read_text(encoding="utf-8")


def instructions() -> list[tuple[str, str]]:
    """The instructions of the Dockerfile, each with its lines joined."""
    lines = [line for line in text_of("Dockerfile").splitlines() if not line.startswith("#")]
    joined = re.sub(r"\s*\\\n\s*", " ", "\n".join(lines))
    return [tuple(line.split(maxsplit=1)) for line in joined.splitlines() if line]


def result() -> list[tuple[str, str]]:
    """The instructions of the last stage."""
    made = instructions()
    last = max(number for number, (name, _) in enumerate(made) if name == "FROM")
    return made[last:]


def kubernetes() -> dict[str, dict[str, Any]]:
    """The objects by their kind."""
    return {
        each["kind"]: each for each in yaml.safe_load_all(text_of("kubernetes/leukoscope.yaml"))
    }


def compose() -> dict[str, Any]:
    return yaml.safe_load(text_of("compose.yaml"))


def cluster() -> dict[str, Any]:
    """The services of several processes, which are laid over those of `compose`."""
    return yaml.safe_load(text_of("compose.cluster.yaml"))["services"]


def known(name: str) -> bool:
    """Whether a variable of the environment is a setting."""
    fields = Settings.model_fields.items()
    names = {str(field.validation_alias or f"{PREFIX}{key.upper()}") for key, field in fields}
    return name in names


def test_what_the_image_copies_is_there_and_reaches_the_builder():
    sent = set(text_of("Dockerfile.dockerignore").splitlines())
    copied = [
        source
        for name, rest in instructions()
        if name == "COPY" and not rest.startswith("--from")
        for source in rest.split()[:-1]
    ]
    assert len(copied) > 10
    for source in copied:
        assert (ROOT / source).exists(), source
        assert f"!{source}" in sent, source


def test_the_image_has_every_package_that_is_served():
    copies = [rest.split() for name, rest in instructions() if name == "COPY"]
    copied = {source.rstrip("/") for words in copies for source in words[:-1]}
    tool = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (listed,) = re.findall(r"source_pkgs = \[(.*)\]", tool)
    for name in re.findall(r'"(\w+)"', listed):
        assert {name, f"{name}.py"} & copied, name


def test_the_image_serves_as_nobody_else_and_is_watched():
    last = dict(result())

    assert last["USER"] == f"{USER}:{USER}"
    assert f"--uid {USER}" in last["RUN"]
    assert "/healthz" in last["HEALTHCHECK"]
    assert last["VOLUME"] == FOLDER
    assert last["EXPOSE"] == str(PORT)
    assert last["ENTRYPOINT"] == '["python", "app.py"]'
    assert last["STOPSIGNAL"] == "SIGINT"


def test_the_image_has_no_tools_to_build_with():
    last = dict(result())

    assert "pip uninstall" in last["RUN"]
    for tool in ("gcc", "build-essential", "-dev ", "git", "make"):
        assert tool not in last["RUN"]
    assert "--require-hashes" in text_of("Dockerfile")


def test_no_image_moves_under_its_tag():
    text = text_of("Dockerfile")
    (base,) = re.findall(r"^ARG BASE=(.*)$", text, flags=re.MULTILINE)
    container = kubernetes()["Deployment"]["spec"]["template"]["spec"]["containers"][0]
    images = [base, container["image"], *(each["image"] for each in compose()["services"].values())]
    for image in images:
        assert re.search(r":\d[\w.-]*$", image), image
    assert {rest.split()[0] for name, rest in instructions() if name == "FROM"} == {"${BASE}"}


def test_the_settings_of_all_are_settings():
    environment = dict(result())["ENV"]
    names = re.findall(r"(LEUKOSCOPE_\w+)=", environment)
    names += compose()["services"]["leukoscope"]["environment"]
    pod = kubernetes()["Deployment"]["spec"]["template"]["spec"]
    names += [each["name"] for each in pod["containers"][0]["env"]]
    names += re.findall(r"(LEUKOSCOPE_\w+)=", text_of("leukoscope.service"))
    assert len(names) > 8
    for name in names:
        assert known(name), name


@pytest.mark.parametrize("service", ["proxy", "leukoscope"])
def test_containers_may_do_nothing_but_serve(service: str):
    made = compose()["services"][service]

    assert made["read_only"] is True
    assert made["cap_drop"] == ["ALL"]
    assert made["security_opt"] == ["no-new-privileges:true"]
    assert "/tmp" in made["tmpfs"]


def test_only_the_proxy_is_reached_from_outside():
    made = compose()
    services = made["services"]

    assert "ports" not in services["leukoscope"]
    assert services["leukoscope"]["networks"] == ["inside"]
    assert made["networks"]["inside"] == {"internal": True}
    assert services["leukoscope"]["volumes"] == [f"instance:{FOLDER}"]
    assert (DEPLOY / services["leukoscope"]["build"]["context"]).resolve() == ROOT
    assert (ROOT / services["leukoscope"]["build"]["dockerfile"]).is_file()
    for volume in services["proxy"]["volumes"]:
        source = volume.split(":")[0]
        assert source == "./certificates" or (DEPLOY / source).is_file(), source


@pytest.mark.parametrize(("service", "role"), [("leukoscope", "web"), ("worker", "worker")])
def test_the_parts_of_a_cluster_are_started_on_its_database(service: str, role: str):
    made = cluster()[service]
    application = Flask(__name__)
    processes.init_app(application, *[lambda *_: None] * 4)

    *program, command = made["entrypoint"]
    assert (program, command) == (["flask", "--app", "app"], role)
    assert role in application.cli.commands
    (address,) = made["environment"].values()
    host = postgresql_url(re.sub(r"\$\{.*\}", "secret", address)).host
    assert host in cluster()
    assert made["depends_on"] == {host: {"condition": "service_healthy"}}
    assert all(known(name) for name in made["environment"])


def test_the_database_of_a_cluster_is_reached_from_inside_alone():
    services = cluster()

    assert services["database"]["networks"] == ["inside"]
    assert not any("ports" in made for made in services.values())
    assert services["worker"]["extends"] == {"file": "compose.yaml", "service": "leukoscope"}
    assert re.search(r":\d[\w.-]*$", services["database"]["image"])


def test_the_proxy_of_compose_sets_what_that_of_the_document_sets():
    document = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    headers = r"proxy_set_header (X-Forwarded-\w+|Host)"
    assert set(re.findall(headers, text_of("nginx.conf"))) == set(re.findall(headers, document))
    assert f"http://leukoscope:{PORT}/;" in text_of("nginx.conf")


@pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not installed here")
def test_nginx_takes_the_configuration(tmp_path: Path):
    from tests.browser.test_proxy import AROUND, write_certificate

    write_certificate(tmp_path)
    text = text_of("nginx.conf").replace("/etc/ssl/leukoscope/", f"{tmp_path}/")
    text = text.replace("//leukoscope:", "//127.0.0.1:")
    file = tmp_path / "nginx.conf"
    file.write_text(AROUND.format(folder=tmp_path, documented=text), encoding="utf-8")
    command = ["nginx", "-t", "-p", tmp_path, "-c", file, "-e", tmp_path / "error.log"]
    tried = subprocess.run(command, capture_output=True, text=True)
    assert tried.returncode == 0, tried.stderr


def test_the_pod_is_tight_and_alone():
    made = kubernetes()
    spec = made["Deployment"]["spec"]
    pod = spec["template"]["spec"]
    container = pod["containers"][0]

    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] == USER
    assert pod["securityContext"]["fsGroupChangePolicy"] == "OnRootMismatch"
    assert pod["automountServiceAccountToken"] is False
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert container["ports"] == [{"name": "http", "containerPort": PORT}]
    assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"


def test_the_objects_of_kubernetes_name_each_other():
    made = kubernetes()
    pod = made["Deployment"]["spec"]["template"]
    container = pod["spec"]["containers"][0]
    labels = pod["metadata"]["labels"]
    (rule,) = made["Ingress"]["spec"]["rules"]
    service = rule["http"]["paths"][0]["backend"]["service"]
    hosts = {each["name"]: each.get("value") for each in container["env"]}

    assert made["Service"]["spec"]["selector"] == labels
    assert made["Deployment"]["spec"]["selector"]["matchLabels"] == labels
    assert made["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"] == labels
    assert service["name"] == made["Service"]["metadata"]["name"]
    assert made["Service"]["spec"]["ports"][0]["targetPort"] == "http"
    assert made["Ingress"]["spec"]["tls"][0]["hosts"] == [rule["host"]]
    assert hosts["LEUKOSCOPE_HOSTNAMES"] == rule["host"]
    volumes = {each["name"]: each for each in pod["spec"]["volumes"]}
    claim = volumes["instance"]["persistentVolumeClaim"]["claimName"]
    assert claim == made["PersistentVolumeClaim"]["metadata"]["name"]
    mounts = {each["mountPath"]: each["name"] for each in container["volumeMounts"]}
    assert mounts == {FOLDER: "instance", "/tmp": "tmp"}
    assert set(mounts.values()) == set(volumes)


HARDENED = (
    "ProtectSystem=strict",
    "NoNewPrivileges=yes",
    "PrivateTmp=yes",
    "StateDirectory=leukoscope",
    "User=leukoscope",
    "CapabilityBoundingSet=",
    "KillSignal=SIGINT",
)


def test_the_service_of_systemd_is_hardened_and_starts_what_is_there():
    text = text_of("leukoscope.service")
    lines = text.splitlines()

    for line in HARDENED:
        assert line in lines
    (program,) = re.findall(r"^ExecStart=.*python /opt/leukoscope/(.*)$", text, flags=re.MULTILINE)
    assert (ROOT / program).is_file()
    assert f"{PREFIX}INSTANCE={FOLDER}" in text


@pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed here"
)
def test_systemd_takes_the_service(tmp_path: Path):
    text = text_of("leukoscope.service").replace("/opt/leukoscope/.venv/bin/python", sys.executable)
    file = tmp_path / "leukoscope.service"
    file.write_text(text.replace("/opt/leukoscope", str(ROOT)), encoding="utf-8")
    tried = subprocess.run(["systemd-analyze", "verify", file], capture_output=True, text=True)
    assert (tried.returncode, tried.stderr) == (0, "")
