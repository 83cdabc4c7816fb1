"""huggingface_hub's cache: what either of us downloads into it, the other finds. The hub is a server in this file."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from conftest import ROOT, call

NAME = "some-lab/tiny-gpt2"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
FILES = ["config.json", "model.safetensors", "vocab.json", "merges.txt"]
WEIGHTS = "model.safetensors"

SNAPSHOT = f"from huggingface_hub import snapshot_download; print(snapshot_download('{NAME}'))"


class Hub(ThreadingHTTPServer):
    """Enough of the hub's API for both: a model's commit, its files, and these, whole or from some byte on."""

    daemon_threads = True

    def __init__(self, files):
        super().__init__(("127.0.0.1", 0), Answer)
        self.files = files
        self.name = NAME
        # A name of before models had owners, which is redirected to the name with one.
        self.short = None
        self.fetched = []
        self.requests = 0
        # What is done before a file's bytes are sent: `before(name, write)`.
        self.before = lambda name, write: None

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"

    def entry(self, name):
        """A file as the hub lists it. Large ones are in LFS, by their SHA-256; others are git's."""
        content = self.files[name]
        blob = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
        entry = {"type": "file", "path": name, "size": len(content), "oid": blob}
        if len(content) < 100_000:
            return entry
        sha256 = hashlib.sha256(content).hexdigest()
        return {**entry, "lfs": {"oid": sha256, "size": len(content), "pointerSize": 134}}

    def hash(self, name):
        entry = self.entry(name)
        return entry.get("lfs", entry)["oid"]


class Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.server.requests += 1
        path = self.path.split("?")[0]
        short = self.server.short
        if short and path.startswith((f"/{short}/", f"/api/models/{short}/")):
            return self.redirect(self.path.replace(f"/{short}/", f"/{self.server.name}/", 1))
        name = self.server.name
        if path in (f"/api/models/{name}/revision/main", f"/api/models/{name}/revision/{COMMIT}"):
            return self.json({"_id": "1", "id": name, "sha": COMMIT, "lastModified": "2026-01-01T00:00:00.000Z"})
        if path == f"/api/models/{name}/tree/{COMMIT}":
            return self.json([self.server.entry(name) for name in self.server.files])
        found = re.fullmatch(rf"/{name}/resolve/(main|{COMMIT})/([\w.-]+)", path)
        if not found or found[2] not in self.server.files:
            return self.json({"error": "Entry not found"}, status=404)
        self.file(found[2])

    do_HEAD = do_GET

    def json(self, value, status=200):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", len(body))
        if status == 404:
            self.send_header("X-Error-Code", "EntryNotFound")
            self.send_header("X-Repo-Commit", COMMIT)
        self.end_headers()
        self.write(body)

    def redirect(self, location):
        self.send_response(307)
        self.send_header("Location", location)
        self.send_header("Content-Length", 0)
        self.end_headers()

    def file(self, name):
        content, tag = self.server.files[name], self.server.hash(name)
        begin, end = 0, len(content)
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if asked:
            begin, end = int(asked[1]), int(asked[2]) + 1 if asked[2] else end
        self.send_response(206 if asked else 200)
        if asked:
            self.send_header("Content-Range", f"bytes {begin}-{end - 1}/{len(content)}")
        self.send_header("ETag", f'"{tag}"')
        self.send_header("X-Repo-Commit", COMMIT)
        if "lfs" in self.server.entry(name):
            self.send_header("X-Linked-ETag", f'"{tag}"')
            self.send_header("X-Linked-Size", len(content))
        self.send_header("Content-Length", end - begin)
        self.end_headers()
        if self.command == "HEAD":
            return
        self.server.fetched.append((name, begin))
        self.server.before(name, self.write)
        self.write(content[begin:end])

    def write(self, content):
        if self.command == "HEAD":
            return
        try:
            self.wfile.write(content)
            self.wfile.flush()
        except OSError:
            self.close_connection = True

    def log_message(self, *_):
        pass


class Cache:
    """A cache of the test's own, and both of us with it."""

    def __init__(self, folder, hub, normless):
        self.folder = folder / "models--some-lab--tiny-gpt2"
        self.hub = hub
        self.env = {
            "HF_ENDPOINT": hub.url,
            "HF_HUB_CACHE": str(folder),
            "HF_HUB_OFFLINE": "0",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "HF_HUB_DISABLE_XET": "1",
        }
        self.offline = {**self.env, "HF_HUB_OFFLINE": "1"}
        self.normless = normless

    def python(self, script, env=None, **how):
        return call([sys.executable, "-c", script], env=env or self.env, **how)

    def inspect(self, model=NAME, env=None, **how):
        done = self.normless("inspect", "--model", model, "--threads", "1", env=env or self.env, **how)
        assert "are LayerNorms" in done.stdout
        return done

    def start(self, command):
        return subprocess.Popen(
            command, env={**os.environ, **self.env}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def start_python(self):
        return self.start([sys.executable, "-c", SNAPSHOT])

    def start_normless(self):
        command = ROOT / "apps/remove-layernorm/bin/normless.js"
        return self.start(["node", command, "inspect", "--model", NAME, "--threads", "1"])

    def blob(self, name):
        return self.folder / "blobs" / self.hub.hash(name)

    def parts(self):
        return sorted(self.folder.glob("blobs/*.incomplete"))

    def check(self, names=FILES):
        """Every file of the snapshot is the hub's, and so is every blob."""
        snapshot = self.folder / "snapshots" / COMMIT
        assert (self.folder / "refs/main").read_text() == COMMIT
        for name in names:
            assert (snapshot / name).read_bytes() == self.hub.files[name]
            assert self.blob(name).read_bytes() == self.hub.files[name]


@pytest.fixture
def hub(shipped):
    server = Hub({name: (shipped / name).read_bytes() for name in FILES})
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def cache(tmp_path, hub, normless):
    return Cache(tmp_path / "cache", hub, normless)


def until(what):
    deadline = time.monotonic() + 30
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("links", [True, False])
def test_what_it_downloads_we_find(cache, hub, links):
    cache.python(SNAPSHOT, env={**cache.env, "HF_HUB_DISABLE_SYMLINKS": "0" if links else "1"})
    assert (cache.folder / "snapshots" / COMMIT / WEIGHTS).is_symlink() == links
    hub.requests = 0
    for model in (NAME, f"{NAME}@{COMMIT}"):
        assert cache.inspect(model, env=cache.offline).stderr == ""
    assert hub.requests == 0
    hub.fetched.clear()
    assert cache.inspect().stderr == ""
    assert hub.fetched == []


def test_what_we_download_it_finds(cache, hub, shipped):
    cache.inspect()
    cache.check()
    hub.requests = 0
    script = f"""
import sys
import torch
from huggingface_hub import snapshot_download
from transformers import AutoModelForCausalLM, AutoTokenizer
print(snapshot_download("{NAME}", local_files_only=True, allow_patterns={FILES!r}))
model, shipped = (AutoModelForCausalLM.from_pretrained(name).state_dict() for name in ("{NAME}", {str(shipped)!r}))
assert all(torch.equal(value, shipped[name]) for name, value in model.items())
tokenizer = AutoTokenizer.from_pretrained("{NAME}")
assert tokenizer.decode(tokenizer("My fellow citizens")["input_ids"]) == "My fellow citizens"
"""
    found = cache.python(script, env=cache.offline)
    assert found.stdout.strip() == str(cache.folder / "snapshots" / COMMIT)
    assert hub.requests == 0
    hub.fetched.clear()
    cache.python(SNAPSHOT)
    assert hub.fetched == []


SHORT, WHOLE = "gpt2", "openai-community/gpt2"
FOLDERS = {SHORT: "models--gpt2", WHOLE: "models--openai-community--gpt2"}


@pytest.mark.parametrize("name", [SHORT, WHOLE])
def test_names_without_an_owner_share_the_cache(cache, hub, name):
    hub.name, hub.short = WHOLE, SHORT
    snapshot = f"from huggingface_hub import snapshot_download; print(snapshot_download('{name}'%s))"
    # What we download by a name, it finds by that name, in the folder where it would have put it.
    cache.inspect(name)
    folder = cache.folder.with_name(FOLDERS[name])
    offline = f", local_files_only=True, allow_patterns={FILES!r}"
    found = cache.python(snapshot % offline, env=cache.offline)
    assert found.stdout.strip() == str(folder / "snapshots" / COMMIT)
    hub.fetched.clear()
    cache.python(snapshot % "")
    assert hub.fetched == []
    # What it downloads by a name, we find by both.
    shutil.rmtree(folder)
    cache.python(snapshot % "")
    assert [path.name for path in cache.folder.parent.glob("models--*")] == [FOLDERS[name]]
    hub.requests = 0
    for other in (SHORT, WHOLE):
        assert cache.inspect(other, env=cache.offline).stderr == ""
    assert hub.requests == 0
    hub.fetched.clear()
    for other in (SHORT, WHOLE):
        assert cache.inspect(other).stderr == ""
    assert hub.fetched == []


def test_a_part_of_the_files_is_completed(cache, hub):
    for name in ("config.json", WEIGHTS):
        cache.python(f"from huggingface_hub import hf_hub_download; hf_hub_download('{NAME}', '{name}')")
    hub.fetched.clear()
    cache.inspect()
    assert sorted(hub.fetched) == [("merges.txt", 0), ("vocab.json", 0)]
    cache.check()


def test_both_at_once(cache, hub):
    """The weights are held back until two ask for them."""
    asked = threading.Barrier(2, timeout=30)
    hub.before = lambda name, write: asked.wait() if name == WEIGHTS else None
    both = [cache.start_python(), cache.start_normless()]
    for process in both:
        said, _ = process.communicate(timeout=60)
        assert process.returncode == 0, said
    assert [name for name, _ in hub.fetched].count(WEIGHTS) == 2
    cache.check()
    assert cache.parts() == []


def stop_in_the_middle(cache, hub, start):
    """Kills a process that has got a part of the weights; what it leaves."""
    rest = threading.Event()

    def part_of_it(name, write):
        if name == WEIGHTS:
            write(hub.files[name][:100_000])
            rest.wait(30)

    hub.before = part_of_it
    process = start()
    if start == cache.start_python:
        # It gets all files at once: the others are to be there, so that none of them is another part.
        until(lambda: {name for name, _ in hub.fetched} == set(FILES))
    until(lambda: [part.name.startswith(hub.hash(WEIGHTS)) for part in cache.parts()] == [True])
    if start == cache.start_normless:
        until(lambda: cache.parts()[0].stat().st_size == 100_000)
    process.kill()
    process.communicate()
    rest.set()
    hub.before = lambda name, write: None
    hub.fetched.clear()
    return cache.parts()


def test_its_part_is_never_taken_for_the_whole(cache, hub):
    [part] = stop_in_the_middle(cache, hub, cache.start_python)
    # As older releases left one, which began with these bytes.
    older = cache.blob(WEIGHTS).with_name(hub.hash(WEIGHTS) + ".incomplete")
    older.write_bytes(b"not the beginning")
    cache.inspect()
    cache.check()
    # It is another's, who may yet write to it.
    assert cache.parts() == sorted([part, older])
    cache.python(SNAPSHOT)
    cache.check()


def test_our_part_is_gone_on_with_by_us(cache, hub):
    stop_in_the_middle(cache, hub, cache.start_normless)
    cache.inspect()
    assert (WEIGHTS, 100_000) in hub.fetched
    cache.check()
    assert cache.parts() == []


def test_our_part_is_never_taken_for_the_whole(cache, hub):
    [part] = stop_in_the_middle(cache, hub, cache.start_normless)
    cache.python(SNAPSHOT)
    assert (WEIGHTS, 0) in hub.fetched
    cache.check()
    assert cache.parts() == [part]
    cache.inspect()
    assert cache.parts() == []


@pytest.mark.parametrize("broken", [b"", b"as long as it was"])
def test_a_broken_blob_of_its_is_downloaded_again(cache, hub, broken):
    cache.python(SNAPSHOT)
    blob, content = cache.blob(WEIGHTS), hub.files[WEIGHTS]
    blob.write_bytes((broken + content)[: len(content)] if broken else b"too short")
    hub.fetched.clear()
    assert "downloading it again" in cache.inspect().stderr
    assert hub.fetched == [(WEIGHTS, 0)]
    cache.check()
