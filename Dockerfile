# The Action's image. GitHub's runner builds it on main; releases name a prebuilt image by its digest.
# It stays root because the runner mounts the workspace as another user's.
FROM python:3.12-slim AS build
WORKDIR /build
COPY requirements.txt ./
# Byte-compiled on purpose: compiling at every start costs seconds a run. Hashes, so that nothing else gets in.
RUN pip install --no-cache-dir --disable-pip-version-check --compile --require-hashes --target /opt/site \
    --requirement requirements.txt
COPY pyproject.toml README.md ./
COPY difyaction ./difyaction
RUN pip install --no-cache-dir --disable-pip-version-check --compile --no-deps --target /opt/site .

FROM python:3.12-slim
ENV PYTHONPATH=/opt/site PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
COPY --from=build /opt/site /opt/site
# The post step is one file of the standard library alone, so that it starts at once.
COPY entrypoint.py difyaction/post.py /app/
# Exec form: the interpreter is process 1 and gets the runner's signals itself.
ENTRYPOINT ["python", "/app/entrypoint.py"]
