"""Small files in the shapes that people keep Dify in."""

BORIS = """
image:
  api:
    repository: langgenius/dify-api
    tag: "1.13.3"  # keep in step
  web:
    repository: langgenius/dify-web
    tag: "1.13.3"
  sandbox:
    repository: langgenius/dify-sandbox
    tag: "0.2.14"
  ssrfProxy:
    repository: ubuntu/squid
    tag: latest
  pluginDaemon:
    repository: langgenius/dify-plugin-daemon
    tag: 0.5.3-local
api:
  migration: true
postgresql:
  image:
    tag: 15.3.0-debian-11-r7
"""

BORIS_OVERLAY = """
image:
  api:
    tag: '1.13.3'
  web:
    tag: '1.13.3'
  pluginDaemon:
    tag: 0.5.3-local
"""

DOUBAN = """
global:
  image:
    tag: "1.13.3"
  extraBackendEnvs: []
frontend:
  image:
    repository: langgenius/dify-web
    tag: ""
api:
  image:
    repository: langgenius/dify-api
    tag: ""
worker:
  image:
    repository: langgenius/dify-api
    tag: ""
workerBeat:
  image:
    repository: langgenius/dify-api
    tag: ""
sandbox:
  image:
    repository: langgenius/dify-sandbox
    tag: "0.2.14"
pluginDaemon:
  image:
    repository: langgenius/dify-plugin-daemon
    tag: "0.5.3-local"
redis:
  image:
    tag: 7.0.11
"""

MAGICSONG = DOUBAN.replace("global:\n", "global:\n  imageRegistry: registry.example:5000\n").replace(
    'workerBeat:\n  image:\n    repository: langgenius/dify-api\n    tag: ""\n', ""
)

MANIFESTS = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: api}
spec:
  template:
    spec:
      initContainers:
        - name: migrate
          image:  registry.example/langgenius/dify-api:1.13.3
      containers:
        - name: api
          image: registry.example/langgenius/dify-api:1.13.3
        - {name: daemon, image: "langgenius/dify-plugin-daemon:0.5.3-local"}
        - name: proxy
          image: nginx:latest
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec:
      containers:
        - name: web
          image: langgenius/dify-web:1.13.3
"""

COMPOSE = """
x-shared: &shared
  restart: always
services:
  api: &api
    <<: *shared
    image: langgenius/dify-api:1.13.3
    environment: {MODE: api}
  web:
    image: langgenius/dify-web:${DIFY_VERSION:-1.13.3}
  sandbox:
    image: ${REGISTRY:-docker.io}/langgenius/dify-sandbox:0.2.14
  plugin_daemon:
    image: ${DAEMON_IMAGE:-langgenius/dify-plugin-daemon:0.5.3-local}
  redis:
    image: redis:6-alpine
"""

KUSTOMIZATION = """
resources: [deployment.yaml]
images:
  - name: langgenius/dify-api
    newTag: 1.13.3
  - name: langgenius/dify-web
    newName: registry.example/mirror/web
    newTag: "1.13.3"
  - name: nginx
    newTag: "1.27"
"""

ARGO = """
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: dify-prod}
spec:
  sources:
    - repoURL: https://borispolonsky.github.io/dify-helm
      chart: dify
      targetRevision: 0.36.0
      helm:
        parameters:
          - name: image.api.tag
            value: "1.13.3"
          - name: replicas
            value: "2"
        valuesObject:
          image:
            web:
              tag: 1.13.3
        values: |
          image:
            pluginDaemon:
              tag: 0.5.3-local  # pairs with the api
    - repoURL: https://git.example/deploy
      targetRevision: main
      kustomize:
        images:
          - langgenius/dify-sandbox:0.2.14
          - api=registry.example/langgenius/dify-api:1.13.3
"""

APPLICATION_SET = """
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: dify}
spec:
  generators:
    - list:
        elements: [{cluster: a}]
  template:
    spec:
      source:
        repoURL: https://borispolonsky.github.io/dify-helm
        chart: dify
        targetRevision: 0.36.0
        helm:
          parameters:
            - {name: image.api.tag, value: 1.13.3}
            - {name: image.web.tag, value: 1.13.3}
"""

FLUX = """
apiVersion: source.toolkit.fluxcd.io/v1
kind: HelmRepository
metadata: {name: dify-charts}
spec: {url: https://borispolonsky.github.io/dify-helm}
---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: chat}
spec:
  chart:
    spec:
      chart: dify
      version: 0.36.0
      sourceRef: {kind: HelmRepository, name: dify-charts}
  values:
    image:
      api: {tag: 1.13.3}
      web: {tag: 1.13.3}
"""

UMBRELLA_CHART = """
apiVersion: v2
name: platform
version: 3.1.0
appVersion: "7.0"
dependencies:
  - name: dify
    alias: chat
    version: 0.36.0
    repository: https://borispolonsky.github.io/dify-helm
  - name: redis
    version: ~19.1.1
    repository: https://charts.example/redis
"""

UMBRELLA_VALUES = """
chat:
  image:
    api: {repository: langgenius/dify-api, tag: 1.13.3}
    web: {repository: langgenius/dify-web, tag: 1.13.3}
redis:
  image: {repository: redis, tag: 7.0.11}
"""
