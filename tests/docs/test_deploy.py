"""deploy/: what its files say of the server is true of it, and they keep what they promise."""

import re

import yaml

from tests.docs import source
from tests.docs.markdown import PROJECT

DEPLOY = PROJECT / "deploy"
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
KUBERNETES = list(yaml.safe_load_all((DEPLOY / "kubernetes" / "rapidserve.yaml").read_text()))
SECRET = yaml.safe_load((DEPLOY / "kubernetes" / "secret.example.yaml").read_text())
NGINX = (DEPLOY / "nginx.conf").read_text()
OURS = ("prepare", "web1", "web2", "worker")


def kinds(kind):
    return [each for each in KUBERNETES if each["kind"] == kind]


def pods():
    return [each["spec"]["template"]["spec"] for each in (*kinds("Job"), *kinds("Deployment"))]


def test_every_variable_is_one_that_is_read():
    text = "".join(file.read_text() for file in DEPLOY.rglob("*.yaml"))
    named = set(re.findall(r"RAPIDSERVE_[A-Z_]+", text))

    assert named
    assert named <= set(source.variables())


def test_every_command_is_one_of_ours():
    commands = [COMPOSE["services"][name]["command"] for name in OURS]
    commands += [container["command"] for pod in pods() for container in pod["containers"]]

    assert {command[2] for command in commands} == {"prepare", "serve", "work"}
    assert all(command[:2] == ["python", "manage.py"] for command in commands)


def test_containers_have_a_read_only_root_and_no_rights():
    for name in (*OURS, "nginx"):
        service = COMPOSE["services"][name]
        assert service["read_only"]
        assert service["cap_drop"] == ["ALL"]
        assert "/tmp" in service["tmpfs"]  # noqa: S108 - a place in the container
    for pod in pods():
        assert pod["securityContext"]["runAsNonRoot"]
        for container in pod["containers"]:
            assert container["securityContext"]["readOnlyRootFilesystem"]
            assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def test_user_and_port_are_those_of_the_image():
    dockerfile = (PROJECT / "Dockerfile").read_text()
    [user] = re.findall(r"--uid (\d+)", dockerfile)
    [port] = re.findall(r"EXPOSE (\d+)", dockerfile)

    assert {pod["securityContext"]["runAsUser"] for pod in pods()} == {int(user)}
    assert all(f"uid={user}" in COMPOSE["services"][name]["tmpfs"][1] for name in OURS)
    [web] = (pod for pod in pods() if "ports" in pod["containers"][0])
    assert web["containers"][0]["ports"][0]["containerPort"] == int(port)
    assert re.findall(r"server (\w+):(\d+);", NGINX) == [("web1", port), ("web2", port)]


def test_every_secret_that_is_used_is_there():
    for name in OURS:
        assert set(COMPOSE["services"][name]["secrets"]) <= set(COMPOSE["secrets"])
    mounted = re.findall(r"/run/rapidserve/(\w+)", str(KUBERNETES))
    assert set(mounted) == set(SECRET["stringData"])


def test_probes_ask_what_the_server_answers():
    [web] = (each for each in kinds("Deployment") if each["metadata"]["name"].endswith("web"))
    [container] = web["spec"]["template"]["spec"]["containers"]
    probes = {name: container[name]["httpGet"] for name in container if name.endswith("Probe")}

    assert {probe["path"] for probe in probes.values()} == {"/health/live", "/health/ready"}
    assert probes["readinessProbe"]["path"] == "/health/ready"
    host = probes["livenessProbe"]["httpHeaders"][0]["value"]
    assert host in kinds("ConfigMap")[0]["data"]["RAPIDSERVE_ALLOWED_HOSTS"].split(",")


def test_images_have_versions():
    images = [
        service["image"] for service in COMPOSE["services"].values() if "build" not in service
    ]

    assert images
    assert all(re.search(r":v?\d", image) for image in images)
