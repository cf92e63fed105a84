# The Action's image. GitHub's runner builds it on main; releases name a prebuilt image by its digest.
# It stays root because the runner mounts the workspace as another user's.
ARG BASE=python:3.13.15-slim-trixie@sha256:7c61056e61ac89e852de05f3dc6fa51a6dd2181797bceed46aa725dd7cb2cd3b

FROM ${BASE} AS build
WORKDIR /build
COPY requirements.txt ./
# Hashes, so that nothing else gets in; wheels, so that none of it runs here.
RUN pip install --no-cache-dir --disable-pip-version-check --no-compile --no-deps --only-binary :all: --require-hashes \
    --target /made/app --requirement requirements.txt
# What nothing imports: asyncio's half of Azure's packages, stubs, tests, commands, cffi's compiler and its parser.
# The lists of installed files would not be true any more; names, versions and licences stay, for whoever asks.
RUN find /made/app -depth \( -type d \( -name aio -o -name tests \) -o -name '*.pyi' -o -name py.typed -o -name '*.h' \
    -o -path '*.dist-info/RECORD' -o -path '*.dist-info/INSTALLER' -o -path '*.dist-info/REQUESTED' \) -exec rm -r {} + \
    && rm -r /made/app/bin /made/app/cffi /made/app/pycparser
# Byte-compiled on purpose: compiling at every start costs seconds a run, and the base compiles none of Python's own
# modules. Nothing is written to at run time, so no cache has to be compared with its source.
RUN python -m compileall -q --invalidation-mode unchecked-hash -s /made /made/app \
    && python -m compileall -q --invalidation-mode unchecked-hash -x '/(site-packages|ensurepip|idlelib|test|tkinter|turtledemo)/' \
        "$(python -c 'import os; print(os.path.dirname(os.__file__))')" \
    && find /usr/local/lib -name __pycache__ -not -path '*/site-packages/*' -exec cp --parents -R -t /made {} +
COPY difyaction /made/app/difyaction
# The post step uses the standard library alone, so that it starts at once; its first line says what ENTRYPOINT says.
COPY entrypoint.py difyaction/post.py /made/app/
RUN python -m compileall -q --invalidation-mode unchecked-hash -s /made /made/app/difyaction && chmod -R a-w,a+rX /made/app

FROM ${BASE}
# Nothing can be installed into it, and nothing that lies there is imported.
RUN rm -r /usr/local/bin/pip* /usr/local/lib/python3*/site-packages /usr/local/lib/python3*/ensurepip
COPY --from=build /made /
# Exec form: the interpreter is process 1 and gets the runner's signals itself. A job's own PATH, PYTHONPATH and the like
# come into the container too; none of them changes what runs (-E -s -S: no variables, no other packages; -u: at once).
ENTRYPOINT ["/usr/local/bin/python3", "-EsSBu", "/app/entrypoint.py"]
