"""The sample GitOps repository: two environments of one chart, a kustomization, an Argo CD Application."""

from __future__ import annotations

VALUES = """\
# Dify for {name}. Ask #platform before you change replicas.
image:
  api:
    repository: {registry}/langgenius/dify-api
    tag: "{version}"        # 本番と同じにすること
  web:
    repository: {registry}/langgenius/dify-web
    tag: "{version}"
  sandbox:
    repository: {registry}/langgenius/dify-sandbox
    tag: "0.2.14"
  pluginDaemon:
    repository: {registry}/langgenius/dify-plugin-daemon
    tag: 0.5.3-local

api:
  replicas: {replicas}
  migration: true

postgresql:
  image:
    tag: 15.3.0-debian-11-r7
"""

KUSTOMIZATION = """\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
- ../base
images:
- name: langgenius/dify-api
  newName: {registry}/langgenius/dify-api
  newTag: 1.13.3
- name: langgenius/dify-web
  newName: {registry}/langgenius/dify-web
  newTag: 1.13.3
- name: langgenius/dify-sandbox
  newName: {registry}/langgenius/dify-sandbox
  newTag: 0.2.14
- name: langgenius/dify-plugin-daemon
  newName: {registry}/langgenius/dify-plugin-daemon
  newTag: 0.5.3-local
"""

ENVIRONMENTS = """\
environments:
  - name: staging
    wave: 1
    files: [environments/staging/**]
  - name: production
    wave: 2
    files: [environments/production/**]
    after: {environment: staging, days: 3}
"""


def files(registry: str) -> dict[str, bytes]:
    """Return the repository's files; images come from ``registry`` (host and port)."""
    texts = {
        "environments/staging/values.yaml": VALUES.format(
            name="staging", registry=registry, version="1.13.3", replicas=1
        ),
        "environments/production/values.yaml": VALUES.format(
            name="production", registry=registry, version="1.13.3", replicas=3
        ),
        "clusters/lab/kustomization.yaml": KUSTOMIZATION.format(registry=registry),
        "environments.yaml": ENVIRONMENTS,
        ".dify-version": "1.14.1\n",
        "README.md": "# What runs where\n",
    }
    return {path: text.encode() for path, text in texts.items()}
