"""Where the guard permits a download to connect: a corpus of URLs, names and addresses in many notations."""

from __future__ import annotations

import io
import ipaddress
import socket
import ssl
from collections.abc import Sequence

import pytest
from pydantic import ValidationError

from suno_jobs.catalog.inputs import INPUTS
from suno_jobs.catalog.kinds import Kind
from suno_jobs.errors import AssetError, AssetExpired, AssetNotReady, ErrorCode
from suno_jobs.network.download import Downloader
from suno_jobs.network.http import httpcore, httpx
from suno_jobs.network.ssrf_guard import GuardedTransport, is_public

PUBLIC = "18.66.112.34"
TLS = ssl.create_default_context()


class RefusingNetwork(httpcore.NetworkBackend):
    """Records each connection attempt and refuses it."""

    def __init__(self) -> None:
        self.attempts: list[tuple[str, int]] = []

    def connect_tcp(self, host: str, port: int, *_options: object, **_named: object) -> httpcore.NetworkStream:
        self.attempts.append((host, port))
        raise httpcore.ConnectError("refused")


def words(text: str) -> list[str]:
    return text.split()


def as_libc(host: str, _port: int) -> Sequence[str]:
    """Resolves as the C library does, which takes 0x7f.1 and 2130706433 for addresses. Every real name has a public address."""
    try:
        return [socket.inet_ntoa(socket.inet_aton(host))]
    except OSError:
        return [host] if ":" in host else [PUBLIC]


def outcome(url: str, *answers: str) -> tuple[AssetError, list[tuple[str, int]]]:
    network = RefusingNetwork()
    downloader = Downloader(resolver=(lambda _host, _port: answers) if answers else as_libc, network=network, ssl_context=TLS)
    with pytest.raises(AssetError) as caught:
        downloader.fetch(url, io.BytesIO(), max_bytes=1000, seconds=5)
    return caught.value, network.attempts


def notations(address: str) -> list[str]:
    """The notations of an IPv4 address in a URL that browsers, curl and C libraries accept, except for the usual one."""
    a, b, c, d = (int(part) for part in address.split("."))
    number = int(ipaddress.IPv4Address(address))
    tail = f"{number >> 16:x}:{number & 0xFFFF:x}"
    return [
        str(number),
        f"{number:#x}",
        f"0{number:o}",
        f"{a}.{number & 0xFFFFFF}",
        f"{a}.{b}.{number & 0xFFFF}",
        f"{a:#x}.{b:#x}.{c:#x}.{d:#x}",
        f"0{a:o}.0{b:o}.0{c:o}.0{d:o}",
        f"{a:03d}.{b:03d}.{c:03d}.{d:03d}",
        f"{a:#x}.{number & 0xFFFFFF}",
        f"0{a:o}.{b}.{number & 0xFFFF:#x}",
        f"{address}.",
        f"%{ord(address[0]):x}{address[1:]}",
        address.replace(".", "%2e"),
        "".join(chr(ord(char) + 0xFEE0) if char.isdigit() else char for char in address),
        f"[::ffff:{address}]",
        f"[::ffff:{tail}]",
        f"[0:0:0:0:0:ffff:{address}]",
        f"[::{address}]",
        f"[::ffff:0:{address}]",
        f"[64:ff9b::{address}]",
        f"[64:ff9b:1::{address}]",
        f"[2002:{tail}::]",
        f"[2001:0:{tail}::]",
    ]


PRIVATE = ["127.0.0.1", "169.254.169.254", "10.0.0.1", "172.16.0.1", "192.168.1.1", "100.100.100.200", "0.0.0.0", "224.0.0.1"]  # noqa: S104
WRITTEN_HOSTS = [
    *PRIVATE,
    *(address.replace(".", "\u3002") for address in PRIVATE),
    *(host for address in [*PRIVATE, "8.8.8.8"] for host in notations(address)),
]

IPV6_HOSTS = words("""
[::] [::1] [0:0:0:0:0:0:0:1] [0000:0000:0000:0000:0000:0000:0000:0001] [fe80::1] [fe80::1%25eth0] [fe80::1%eth0] [fec0::1]
[fc00::1] [fd00:ec2::254] [fd12:3456:789a::1] [ff02::1] [ff0e::1] [100::1] [2001:db8::1] [2001:2::1] [2001:10::1] [2001:20::1]
[3fff::1] [5f00::1] [4000::1] [2606:4700:0:0:0:0:0:1111] [2606:4700:0000::1111] [2606:4700::1111%251] [2606:4700::1111%1]
[2606:4700::ABCD:1%25lo] [::1 [] [] [1] [127.0.0.1] [localhost] ::1 fe80::1
""")

WRONG_URLS = f"""
http://cdn.example.com:8080/a.mp3
http://127.0.0.1/a.mp3
ftp://cdn.example.com/a.mp3
file:///etc/passwd
file://cdn.example.com/etc/passwd
gopher://cdn.example.com:70/_x
dict://cdn.example.com:11211/stat
data:audio/mpeg;base64,SUQz
javascript:alert(1)
ws://cdn.example.com/a
wss://cdn.example.com/a
s3://bucket/key
jar:https://cdn.example.com!/a
unix:/var/run/docker.sock
https+unix://%2fvar%2frun%2fdocker.sock/info
//cdn.example.com/a.mp3
/a.mp3
cdn.example.com/a.mp3
https:cdn.example.com/a.mp3
https:/cdn.example.com/a.mp3
https:///cdn.example.com/a.mp3
https://
https:///
https://?a
https://#a
https://:443/
https://.
https://..
https://.com/
https://cdn..example.com/
https://cdn.example.com./a.mp3
https://cdn.example.com:80/a.mp3
https://cdn.example.com:8443/a.mp3
https://cdn.example.com:22/a.mp3
https://cdn.example.com:0/a.mp3
https://cdn.example.com:65536/a.mp3
https://cdn.example.com:-443/a.mp3
https://cdn.example.com:443x/a.mp3
https://cdn.example.com:443:443/a.mp3
https://user@cdn.example.com/a.mp3
https://user:password@cdn.example.com/a.mp3
https://:password@cdn.example.com/a.mp3
https://cdn.example.com@127.0.0.1/a.mp3
https://cdn.example.com%40127.0.0.1/a.mp3
https://cdn.example.com\\@127.0.0.1/a.mp3
https://127.0.0.1\\@cdn.example.com/a.mp3
https:\\\\127.0.0.1/a.mp3
https://cdn.example.com\\.evil.example.com/
https://user@127.0.0.1:443@cdn.example.com/
https://cdn.example.com%00.evil.example.com/
https://cdn.example.com%0d%0aHost:%20127.0.0.1/
https://cdn.example.com%23@127.0.0.1/
https://cdn.example.com%2f@127.0.0.1/
https://127.0.0.1%2f.example.com/
https://127.0.0.1%23.example.com/
https://cdn.example.com;127.0.0.1/
https://cdn.example.com,127.0.0.1/
https://cdn!example.com/
https://cdn$example.com/
https://cdn&example.com/
https://(cdn.example.com)/
https://cdn*.example.com/
https://cdn+x.example.com/
https://cdn=x.example.com/
https://-cdn.example.com/
https://cdn-.example.com/
https://cdn.example.123/
https://cdn.example.0x7f/
https://cdn.example.c/
https://localhost/
https://LOCALHOST/
https://metadata/latest
https://intranet/
https://{"a" * 64}.example.com/
https://{"a." * 130}example.com/
https://\u24db\u24de\u24d2\u24d0\u24db\u24d7\u24de\u24e2\u24e3/
https://\u2460\u2461\u2466.0.0.1/
https://cdn\u2024example\u2024com/
https://cdn.example.com\uff0f127.0.0.1/
https://cdn\u00ad.example.com/
https://\u200bcdn.example.com/
https://xn--/
https://xn--.example.com/
https://xn--0.example.com/
https://xn--\u00fc.example.com/
https://xn--a.example.com\u0000/
https://cdn.example.com\t/a.mp3
https://cdn.example.com\r/a.mp3
https://cdn.exam ple.com/a.mp3
""".strip("\n").split("\n")

REFUSED = [f"https://{host}/latest/meta-data" for host in [*WRITTEN_HOSTS, *IPV6_HOSTS]] + WRONG_URLS


@pytest.mark.parametrize("url", REFUSED)
def test_a_url_that_is_not_plainly_public_https_is_refused(url: str) -> None:
    error, attempts = outcome(url)
    assert isinstance(error, AssetExpired)
    assert error.fault.code is ErrorCode.ASSET_FORBIDDEN_ADDRESS
    assert attempts == []


def test_the_corpus_is_large_enough() -> None:
    assert len(set(REFUSED)) >= 300
    assert len({*PRIVATE_ADDRESSES, *NO_ADDRESSES}) >= 200
    assert len(set(CDN_HOSTS)) >= 50


BLOCKS = words("""
0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 168.63.129.16/32 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24
192.31.196.0/24 192.52.193.0/24 192.88.99.0/24 192.168.0.0/16 192.175.48.0/24 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24
224.0.0.0/4 240.0.0.0/4 255.255.255.255/32 ::/128 ::1/128 ::/96 ::ffff:0:0/96 ::ffff:0:0:0/96 64:ff9b::/96 64:ff9b:1::/48
100::/64 100:0:0:1::/64 200::/7 400::/6 800::/5 1000::/4 2001::/32 2001:1::/32 2001:2::/48 2001:3::/32 2001:4:112::/48
2001:10::/28 2001:20::/28 2001:30::/28 2001:db8::/32 2002::/16 2620:4f:8000::/48 3fff::/20 4000::/3 5f00::/16 6000::/3
8000::/3 a000::/3 c000::/3 e000::/4 f000::/5 f800::/6 fc00::/7 fd00:ec2::/32 fe00::/9 fe80::/10 fec0::/10 ff00::/8
""")

KNOWN_INTERNAL = words("""
127.0.0.2 127.255.255.254 169.254.169.253 169.254.170.2 169.254.170.23 169.254.20.10 100.100.100.200 192.0.0.192 198.19.0.1
10.255.255.255 172.31.255.255 224.0.0.251 239.255.255.250 fd00:ec2::253 fd20:ce::254 ::ffff:127.0.0.1 ::ffff:8.8.8.8 ::8.8.8.8
64:ff9b::8.8.8.8 64:ff9b::7f00:1 2002:7f00:1:: 2002:808:808:: 2001:0:4136:e378:8000:63bf:3fff:fdd2 fe80::a9fe:a9fe ff02::fb
""")

PRIVATE_ADDRESSES = [
    str(network[at]) for network in map(ipaddress.ip_network, BLOCKS) for at in (0, network.num_addresses // 2, -1)
] + KNOWN_INTERNAL

NO_ADDRESSES = ["", " ", "localhost", "1", "127.1", "010.8.8.8", "0x8.8.8.8", "8.8.8.8 ", " 8.8.8.8", "8.8.8.8/32", "8.8.8",
                "8.8.8.8.8", "[2606:4700::1]", "2606:4700::1%eth0", "2606:4700::1%1", ":::", "2606:4700", "8.8.8.256", "-1",
                "8.8.8.8\n", "\u0668.8.8.8", "::ffff:8.8.8.8%1", "2606:4700::g", "None"]  # fmt: skip


@pytest.mark.parametrize("address", [*PRIVATE_ADDRESSES, *NO_ADDRESSES])
def test_no_connection_is_made_to_an_address_that_is_not_public(address: str) -> None:
    assert not is_public(address)
    for answers in ([address], [PUBLIC, address], [address, PUBLIC], ["2606:4700::1111", PUBLIC, address]):
        error, attempts = outcome("https://cdn.example.com/a.mp3?signature=secret", *answers)
        assert type(error) is AssetNotReady
        assert error.fault.code is ErrorCode.ASSET_FORBIDDEN_ADDRESS
        assert attempts == []
        assert "secret" not in error.fault.message


@pytest.mark.parametrize("url", REFUSED)
def test_a_client_cannot_make_a_gateway_fetch_a_url_that_we_refuse(url: str) -> None:
    with pytest.raises(ValidationError):
        INPUTS[Kind.UPLOAD].model_validate({"audio_url": url})


PUBLIC_ADDRESSES = words("""
1.1.1.1 8.8.8.8 9.9.9.9 9.255.255.255 11.0.0.0 13.107.42.14 18.66.112.34 23.32.0.1 52.84.0.1 54.192.0.1 99.84.0.1
100.63.255.255 100.128.0.0 104.16.0.1 126.255.255.255 128.0.0.0 151.101.1.1 169.253.255.255 169.255.0.0 172.15.255.255
172.32.0.0 172.64.0.1 191.255.255.255 192.0.1.0 192.0.3.0 192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0 199.232.1.1
223.255.255.255 2000::1 2001:200::1 2001:4860:4860::8888 2003::1 2400:cb00::1 2600:9000:2000::1 2606:4700::1111
2620:4f:8001::1 2a04:4e42::1 2a02:26f0::1 3ffe::1
""")


@pytest.mark.parametrize("address", PUBLIC_ADDRESSES)
def test_a_connection_is_made_to_a_public_address(address: str) -> None:
    assert is_public(address)
    error, attempts = outcome("https://cdn.example.com/a.mp3", address)
    assert isinstance(error, AssetNotReady)
    assert attempts == [(address, 443)]


CDN_HOSTS = words("""
cdn.ttapi.io cloudflarer2.ttapi.io cdn1.suno.ai cdn2.suno.ai audiopipe.suno.ai musicfile.kie.ai musicfile.api.box
musicfile.removeai.ai tempfile.redpandaai.co tempfile.aiquickdraw.com cdn.acedata.cloud platform.cdn.acedata.cloud
d111111abcdef8.cloudfront.net bucket.s3.amazonaws.com my.dotted.bucket.s3.us-east-1.amazonaws.com
s3.eu-central-1.amazonaws.com pub-0123456789abcdef.r2.dev account.r2.cloudflarestorage.com imagedelivery.net cdn.jsdelivr.net
unpkg.com cdnjs.cloudflare.com storage.googleapis.com bucket.storage.googleapis.com firebasestorage.googleapis.com
lh3.googleusercontent.com account.blob.core.windows.net site.azureedge.net name.azurefd.net cdn.digitaloceanspaces.com
space.nyc3.cdn.digitaloceanspaces.com zone.b-cdn.net storage.bunnycdn.com f000.backblazeb2.com s3.us-west-004.backblazeb2.com
s3.wasabisys.com files.example.fastly.net cdn.fastly.steamstatic.com a248.e.akamai.net media.akamaized.net res.cloudinary.com
ik.imagekit.io ucarecdn.com cdn.sanity.io cdn.shopify.com images.ctfassets.net cdn.discordapp.com raw.githubusercontent.com
objects.githubusercontent.com dl.dropboxusercontent.com archive.org upload.wikimedia.org bucket.oss-cn-hangzhou.aliyuncs.com
bucket.cos.ap-guangzhou.myqcloud.com obs.cn-north-4.myhuaweicloud.com cdn_under_score.example.com xn--mnchen-3ya.example.com
1.2.3.4.example.com 0x7f.example.com a.co
""")


@pytest.mark.parametrize("host", CDN_HOSTS)
@pytest.mark.parametrize("form", ["https://{}/a.mp3", "https://{}:443/a b.mp3?X-Amz-Signature=a%2Fb&x=1#t", "HTTPS://{}"])
def test_a_connection_is_made_to_a_public_cdn(host: str, form: str) -> None:
    error, attempts = outcome(form.format(host))
    assert isinstance(error, AssetNotReady)
    assert error.fault.message == f"{host}: ConnectError after 0 bytes"
    assert attempts == [(PUBLIC, 443)]


def test_a_connection_is_made_to_a_public_address_in_a_url() -> None:
    assert outcome("https://8.8.8.8/a.mp3")[1] == [("8.8.8.8", 443)]
    assert outcome("https://[2606:4700::1111]/a.mp3")[1] == [("2606:4700::1111", 443)]


def test_an_internationalized_name_is_resolved_in_its_ascii_form() -> None:
    asked: list[str] = []

    def resolver(host: str, _port: int) -> list[str]:
        asked.append(host)
        return [PUBLIC]

    downloader = Downloader(resolver=resolver, network=RefusingNetwork(), ssl_context=TLS)
    with pytest.raises(AssetNotReady):
        downloader.fetch("https://m\u00fcnchen.example.com/a.mp3", io.BytesIO(), max_bytes=1, seconds=5)
    assert asked == ["xn--mnchen-3ya.example.com"]


def test_every_address_of_a_host_is_tried() -> None:
    assert outcome("https://cdn.example.com/", PUBLIC, "2606:4700::1", PUBLIC)[1] == [(PUBLIC, 443), ("2606:4700::1", 443)]


@pytest.mark.parametrize("failure", [OSError("no such host"), UnicodeError("label too long")])
def test_a_name_that_does_not_resolve_is_retried(failure: Exception) -> None:
    def resolver(_host: str, _port: int) -> list[str]:
        raise failure

    with pytest.raises(AssetNotReady) as caught:
        Downloader(resolver=resolver, network=RefusingNetwork(), ssl_context=TLS).fetch(
            "https://cdn.example.com/", io.BytesIO(), max_bytes=1, seconds=5
        )
    assert caught.value.fault.code is ErrorCode.ASSET_UNAVAILABLE


def test_a_name_without_any_address_is_retried() -> None:
    network = RefusingNetwork()
    downloader = Downloader(resolver=lambda _host, _port: [], network=network, ssl_context=TLS)
    with pytest.raises(AssetNotReady):
        downloader.fetch("https://cdn.example.com/", io.BytesIO(), max_bytes=1, seconds=5)
    assert network.attempts == []


def test_a_name_is_resolved_once_so_that_it_cannot_change_after_the_check() -> None:
    network, answers = RefusingNetwork(), iter([[PUBLIC], ["127.0.0.1"]])
    downloader = Downloader(resolver=lambda _host, _port: next(answers), network=network, ssl_context=TLS)
    with pytest.raises(AssetNotReady):
        downloader.fetch("https://rebind.example.com/", io.BytesIO(), max_bytes=1, seconds=5)
    with pytest.raises(AssetNotReady):
        downloader.fetch("https://rebind.example.com/", io.BytesIO(), max_bytes=1, seconds=5)
    assert network.attempts == [(PUBLIC, 443)]


TRUSTED = frozenset({"http://127.0.0.1:9000", "https://localhost:9443"})


@pytest.mark.parametrize(
    ("url", "attempts"),
    [
        ("http://127.0.0.1:9000/a.mp3", [("127.0.0.1", 9000)]),
        ("https://localhost:9443/a.mp3", [("127.0.0.1", 9443)]),
        ("https://127.0.0.1:9000/a.mp3", []),
        ("http://127.0.0.1:9001/a.mp3", []),
        ("http://127.0.0.1/a.mp3", []),
        ("http://localhost:9000/a.mp3", []),
        ("http://127.1:9000/a.mp3", []),
        ("http://2130706433:9000/a.mp3", []),
        ("http://user@127.0.0.1:9000/a.mp3", []),
        ("http://cdn.example.com:9000/a.mp3", []),
    ],
)
def test_a_trusted_origin_is_exactly_that_origin(url: str, attempts: list[tuple[str, int]]) -> None:
    network = RefusingNetwork()
    resolver = {"localhost": ["127.0.0.1"], "127.0.0.1": ["127.0.0.1"]}
    downloader = Downloader(
        resolver=lambda host, _port: resolver[host], trusted_origins=TRUSTED, network=network, ssl_context=TLS
    )
    with pytest.raises(AssetNotReady) as caught:
        downloader.fetch(url, io.BytesIO(), max_bytes=1, seconds=5)
    assert isinstance(caught.value, AssetExpired) is (not attempts)
    assert network.attempts == attempts


def test_proxy_variables_in_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://10.0.0.1:3128")
    assert outcome("https://cdn.example.com/a.mp3")[1] == [(PUBLIC, 443)]


def test_the_guard_works_in_any_httpx_client() -> None:
    network = RefusingNetwork()
    transport = GuardedTransport(resolver=as_libc, network=network, ssl_context=TLS)
    with httpx.Client(transport=transport, trust_env=False) as client:
        with pytest.raises(httpx.TransportError, match="not public"):
            client.post("https://127.0.0.1/hook", content=b"{}")
        with pytest.raises(httpx.ConnectError):
            client.post("https://hooks.example.com/hook", content=b"{}")
    assert network.attempts == [(PUBLIC, 443)]
