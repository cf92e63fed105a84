"""What is printed of files that people wrote holds no secret of theirs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from difyaction.compose.discreet import discreet, secretive
from difyaction.compose.server_plan import make_plan
from tests.unit.compose.machines import compose_text, facts
from tests.upstream_releases import files_of


def shown(text: str) -> str:
    return "\n".join(discreet(text.split("\n")))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("command: tunnel --no-autoupdate run --token eyJhIjoiQ0x", "command: tunnel --no-autoupdate run --token ***"),
        (
            '  - "traefik.http.middlewares.a.basicauth.users=me:$$apr1$$H"',
            '  - "traefik.http.middlewares.a.basicauth.users=***',
        ),
        (
            "cache_peer proxy parent 3128 0 default login=svc:hunter2",
            "cache_peer proxy parent 3128 0 default login=***",
        ),
        ('proxy_set_header Authorization "Basic aHVudGVyMg==";', 'proxy_set_header Authorization "***'),
        ('command: ["redis-server", "--requirepass", "hunter2"]', 'command: ["redis-server", "--requirepass", "***'),
        ("redis-server --requirepass ${REDIS_PASSWORD:-hunter2}", "redis-server --requirepass ***"),
        ('test: ["CMD", "redis-cli", "-a", "hunter2", "ping"]', 'test: ["CMD", "redis-cli", "-a", "***'),
        ("SMTP_PASS: hunter2", "SMTP_PASS: ***"),
        ("- MY_OPENAI_APIKEY=sk-hunter2", "- MY_OPENAI_APIKEY=***"),
        ("TEAMS_WEBHOOK: https://x.office.com/hunter2", "TEAMS_WEBHOOK: ***"),
        ("# DB_PASSWORD=hunter2", "# DB_PASSWORD=***"),
        ("HTTPS_PROXY: http://svc:hunter2@proxy:3128", "HTTPS_PROXY: http://***@proxy:3128"),
        ("auth: me:$2y$10$abcdefgh", "auth: me:***"),
        ("X: aB3aB3aB3aB3aB3aB3aB3aB3aB3aB3aB3aB3", "X: ***"),
        ("x" * 5000, "***"),
        ('test: ["CMD", "curl", "-u", "elastic:hunter2", "http://es"]', 'test: ["CMD", "curl", "-u", "***'),
        ("test: /usr/bin/curl -fsS -uelastic:hunter2 http://es", "test: /usr/bin/curl -fsS -u***"),
        ('test: ["CMD-SHELL", "mysqladmin ping -phunter2"]', 'test: ["CMD-SHELL", "mysqladmin ping -p***'),
        ('test: ["CMD", "mysqladmin", "-u", "root", "-phunter2"]', 'test: ["CMD", "mysqladmin", "-u", "root", "-p***'),
        ('sh -c "mc alias set m http://minio:9000 me hunter2"', 'sh -c "mc alias set m http://minio:9000 ***'),
        ("/usr/bin/mc config host add m http://minio me hunter2", "/usr/bin/mc config host add m http://minio ***"),
        ("proxy_set_header X-API-KEY hunter2;", "proxy_set_header X-API-KEY ***"),
        ("proxy_set_header X-Auth hunter2;", "proxy_set_header X-Auth ***"),
        ('if ($http_x_token != "hunter2") {', 'if ($http_x_token != "***'),
        ("if ($http_authorization !~* hunter2) {", "if ($http_authorization !~* ***"),
        (
            "Jobs: DefaultEndpointsProtocol=https;AccountKey=h;X=y",
            "Jobs: DefaultEndpointsProtocol=https;AccountKey=***",
        ),
        ("X: github_pat_11ABCDEFG0hunter2", "X: ***"),
        (
            "X: https://open.feishu.cn/open-apis/bot/v2/hook/hunter2",
            "X: https://open.feishu.cn/open-apis/bot/v2/hook/***",
        ),
        ("X: https://hooks.slack.com/services/T0/B0/hunter2", "X: https://hooks.slack.com/***"),
        ("X: http://kuma/api/push/hunter2?status=up", "X: http://kuma/api/push/***"),
        (
            'X: "-----BEGIN PRIVATE KEY-----\\nhunter2\\n-----END PRIVATE KEY-----"',
            'X: "-----BEGIN PRIVATE KEY-----***',
        ),
    ],
)
def test_a_secret_in_a_line_is_stars(line: str, expected: str) -> None:
    assert shown(line) == expected


@pytest.mark.parametrize(
    "line",
    [
        "    image: langgenius/dify-api@sha256:" + "0123456789abcdef" * 4,
        "      proxy_pass http://api:5001;",
        "      proxy_cache_bypass $http_upgrade;",
        "      SECRET_KEY: ${SECRET_KEY}",
        '      SECRET_KEY: "${SECRET_KEY:-}"',
        "      REDIS_PASSWORD: $REDIS_PASSWORD",
        "    command: redis-server --requirepass ${REDIS_PASSWORD}",
        '      - "llm.corp.local:10.0.0.5"',
        "      - path: ./envs/security.env",
        "    secrets:",
        "x-shared-api-worker-config: &shared-api-worker-config",
        'test: ["CMD", "curl", "-f", "http://localhost:9200"]',
        'test: ["CMD-SHELL", "mysqladmin ping -p${DB_PASSWORD}"]',
        "      proxy_set_header X-Forwarded-Proto $scheme;",
        "      proxy_set_header Authorization $http_authorization;",
        "      proxy_pass http://n8n:5678/webhook/;",
        "      proxy_pass_header X-Api-Key;",
        "location ~* \\.(?:js|css)$ {",
    ],
)
def test_a_line_without_a_secret_stays(line: str) -> None:
    assert shown(line) == line


def test_a_secret_in_the_line_below_its_name_is_stars_too() -> None:
    assert (
        shown("  - --requirepass\n  - hunter2\n  - --port\n  - 80") == "  - --requirepass\n  - ***\n  - --port\n  - 80"
    )
    assert shown("  - curl\n  - -u\n  - me:hunter2\n  - http://es") == "  - curl\n  - -u\n  - ***\n  - http://es"
    assert shown("  TLS_KEY: |\n    one\n\n    two\n  image: x") == "  TLS_KEY: |\n    ***\n\n    ***\n  image: x"


def test_a_key_of_many_lines_is_stars_to_its_end() -> None:
    key = "  one: |\n    -----BEGIN PRIVATE KEY-----\n    MIIE\n    hunter2\n    -----END PRIVATE KEY-----\n  image: x"
    told = "  one: |\n    -----BEGIN PRIVATE KEY-----\n    ***\n    ***\n    ***\n  image: x"
    assert shown(key) == told


@given(st.lists(st.text(alphabet="aA1 -:=|$\"'{}#/", max_size=30), max_size=6))
def test_no_line_is_added_and_none_is_lost(lines: list[str]) -> None:
    assert len(list(discreet(lines))) == len(lines)


def test_few_of_upstreams_own_lines_are_hidden() -> None:
    for path, content in files_of("1.16.1").items():
        lines = content.decode().splitlines()
        if not path.endswith(".example"):
            hidden = [line for line, told in zip(lines, discreet(lines), strict=True) if line != told]
            assert len(hidden) <= 0.06 * len(lines) + 1, (path, hidden)


SHORT = ("DBPASS", "REDIS_AUTH", "ELASTIC_PW", "SMTP_PASSWORT", "LDAP_BIND_CRED", "GITHUB_PAT", "FEISHU_HOOK")


def test_short_and_joined_names_of_secrets_are_known_and_names_like_them_are_not() -> None:
    for name in (
        "SMTP_PASS",
        "MY_OPENAI_APIKEY",
        "TEAMS_WEBHOOK",
        "SLACK_WEBHOOK_URL",
        "DBPASSWORD",
        "JWT_SECRET",
        *SHORT,
    ):
        assert secretive(name, "x"), name
    for name in ("WEBHOOK_REQUEST_BODY_MAX_SIZE", "HTTP_BYPASS", "KEYCLOAK_HOST", "MONKEY", "CHROMA_AUTH_PROVIDER"):
        assert not secretive(name, "x"), name
    assert not secretive("DB_PASSWORD", "")
    assert secretive("MY_URL", "https://me:hunter2@example.com")
    assert secretive("MY_URL", "https://hooks.slack.com/services/hunter2")
    assert secretive("MINE", '"-----BEGIN PRIVATE KEY-----\nhunter2')


OWN = """\
  cloudflared:
    image: cloudflare/cloudflared:latest
    command: tunnel run --token hunter2-hunter2
    environment:
      - SMTP_PASS=hunter2-hunter2
"""


def test_a_plan_prints_no_secret_of_an_edited_compose_file_and_only_what_changes_in_the_env_file() -> None:
    compose = compose_text("1.13.3") + OWN
    env = "LOG_LEVEL=INFO\nDB_HOST=db_postgres  # hunter2-hunter2\n# hunter2-hunter2\nMY_OWN=hunter2-hunter2\n"
    plan = make_plan(facts({"files": {"docker-compose.yaml": compose, ".env": env}}))
    (files,) = [document.text for document in plan.documents if document.title == "Files"]
    assert "+    command: tunnel run --token ***" in files
    assert "+      - SMTP_PASS=***" in files
    assert "hunter2" not in files
    assert "\n MY_OWN" not in files
