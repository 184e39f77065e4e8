# One image for all services: the locked environment and the project, run by an ordinary user.
FROM python:3.11-slim

ARG UV_VERSION=0.13.9
RUN python -m venv /opt/bootstrap \
    && /opt/bootstrap/bin/pip install --no-cache-dir "uv==${UV_VERSION}" \
    && useradd --system --uid 10001 --create-home ravenstvo \
    && install -d -o ravenstvo -g ravenstvo -m 0700 /var/lib/ravenstvo

WORKDIR /opt/ravenstvo
COPY requirements.lock ./
RUN python -m venv --without-pip .venv \
    && /opt/bootstrap/bin/uv pip sync --no-cache --require-hashes --compile-bytecode \
        --python .venv/bin/python requirements.lock

COPY pyproject.toml README.md ./
COPY include include
COPY dags dags
COPY plugins plugins
COPY dbt_project dbt_project
COPY expectations expectations
RUN /opt/bootstrap/bin/uv pip install --no-cache --no-deps --python .venv/bin/python --editable .

ENV PATH=/opt/ravenstvo/.venv/bin:$PATH \
    RAVENSTVO_HOME=/var/lib/ravenstvo \
    PYTHONUNBUFFERED=1
USER ravenstvo
VOLUME /var/lib/ravenstvo
CMD ["ravenstvo", "--help"]
