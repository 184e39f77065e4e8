# One image for all services, run by an ordinary user: the locked environments and the project, nothing else.
#
#   docker build .                     with Superset, about 2.3 GB: what docker-compose.yml builds
#   docker build --target pipeline .   without dashboards, about 1.6 GB
#
# Superset has an environment of its own, since the two cannot share one; it is the image's last layer.

FROM python:3.11-slim AS base
WORKDIR /opt/ravenstvo


FROM base AS installer
ARG UV_VERSION=0.13.9
RUN python -m venv /opt/bootstrap \
    && /opt/bootstrap/bin/pip install --no-cache-dir "uv==${UV_VERSION}"
ENV UV_COMPILE_BYTECODE=1 UV_NO_CACHE=1


# What the project needs to run, in the locked versions: the tools of its tests stay out. The hashes of the lock hold.
FROM installer AS pipeline-environment
COPY requirements.lock pyproject.toml ./
RUN python -m venv --without-pip .venv \
    && /opt/bootstrap/bin/uv pip install --python .venv/bin/python \
        --constraint requirements.lock --requirement pyproject.toml
COPY README.md ./
COPY include include
RUN /opt/bootstrap/bin/uv pip install --no-deps --python .venv/bin/python --editable .


FROM installer AS bi-environment
COPY include/bi/requirements.lock ./
RUN python -m venv --without-pip .venv-bi \
    && /opt/bootstrap/bin/uv pip sync --require-hashes --python .venv-bi/bin/python requirements.lock


FROM base AS pipeline
RUN groupadd --system --gid 10001 ravenstvo \
    && useradd --system --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent ravenstvo \
    && install -d -o ravenstvo -g ravenstvo -m 0700 /var/lib/ravenstvo /var/lib/ravenstvo/bi /backups
# Linked: a change of the project leaves the large layers as they are.
COPY --link --from=pipeline-environment /opt/ravenstvo/.venv /opt/ravenstvo/.venv
COPY pyproject.toml README.md requirements.lock ./
COPY include include
COPY dags dags
COPY plugins plugins
COPY dbt_project dbt_project
COPY expectations expectations
# The services may write nothing here: what is not compiled now would be compiled at every start.
RUN python -m compileall -q include dags plugins
ENV PATH=/opt/ravenstvo/.venv/bin:$PATH \
    RAVENSTVO_HOME=/var/lib/ravenstvo \
    HOME=/tmp \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
USER 10001:10001
CMD ["ravenstvo", "--help"]


FROM pipeline AS whole
COPY --link --from=bi-environment /opt/ravenstvo/.venv-bi /opt/ravenstvo/.venv-bi
