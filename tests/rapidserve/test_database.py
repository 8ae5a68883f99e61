import pytest

from rapidserve.database import MONGODB_PROMISES, database, is_mongodb
from rapidserve.env import SettingError

MONGODB = "mongodb://alice:s3cret@db1:27017,db2/rapidserve?replicaSet=rs0"


def test_sqlite_is_a_file_whose_acknowledged_writes_survive_a_power_cut():
    entry = database("sqlite:////srv/rapid%20serve.sqlite3")

    assert entry["NAME"] == "/srv/rapid serve.sqlite3"
    assert "synchronous=FULL" in entry["OPTIONS"]["init_command"]
    assert entry["OPTIONS"]["transaction_mode"] == "IMMEDIATE"


def test_mongodb_is_our_engine_with_the_whole_address_and_the_name_in_it():
    entry = database(MONGODB)

    assert entry["ENGINE"] == "rapidserve.mongo"
    assert (entry["HOST"], entry["NAME"]) == (MONGODB, "rapidserve")


def test_mongodb_acknowledges_only_what_a_majority_has_on_its_disks():
    options = database(MONGODB)["OPTIONS"]

    assert (options["w"], options["journal"]) == ("majority", True)
    assert (options["readConcernLevel"], options["readPreference"]) == ("majority", "primary")


@pytest.mark.parametrize("name", [*MONGODB_PROMISES, "W", "readpreference", "JOURNAL"])
def test_an_address_that_would_promise_less_is_refused(name):
    with pytest.raises(SettingError, match="must not set"):
        database(f"{MONGODB}&{name}=1")


def test_waiting_times_are_ours_unless_the_address_has_its_own():
    options = database(f"{MONGODB}&sockettimeoutms=5000")["OPTIONS"]

    assert "socketTimeoutMS" not in options
    assert options["serverSelectionTimeoutMS"] == 10_000


@pytest.mark.parametrize(
    "address",
    [
        "",
        "nonsense",
        "postgres://db/rapidserve",
        "sqlite:///",
        "sqlite://host/file",
        "mongodb://",
        "mongodb://alice:s3cret@db1",
        "mongodb://alice:s3cret@db1/",
        "mongodb:///rapidserve",
        "mongodb://alice:s3cret@db1/two/parts",
        "mongodb://alice:s3cret@db1/with space",
        "mongodb://alice:s3cret@db1/$name",
        "mongodb://alice:s3cret@[::1/rapidserve",
        "mongodb://alice:s3cret@db1/rapidserve?replicaSet",
    ],
)
def test_an_address_that_is_none_is_refused_without_showing_the_password(address):
    with pytest.raises(SettingError, match="RAPIDSERVE_DATABASE_URL") as refused:
        database(address)
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        (MONGODB, True),
        ("mongodb+srv://cluster.example.org/rapidserve", True),
        ("sqlite:////mongodb", False),
        ("mongodbx://db/rapidserve", False),
    ],
)
def test_the_scheme_tells_mongodb(address, expected):
    assert is_mongodb(address) is expected
