# make run [INBOX=folder] [YEAR=2021]   load a folder (by default the sample region) and recalculate a year
# make bi                               Superset with the dashboards, on the warehouse that make run has filled
# make spark                            rows of pupils on Apache Spark, compared with PostgreSQL's
# make test [ARGS="tests/unit -k name"] | lint | up | down | bench
#
# The recipes run from any working directory and under paths with spaces: nothing here is a file target, and the
# shell quotes what make cannot.

SHELL := /bin/sh
.SHELLFLAGS := -euc
.ONESHELL:
.DEFAULT_GOAL := run
.PHONY: run bi test lint up down setup bench setup-bi spark setup-spark

PYTHON ?= python3.11
UV_VERSION := 0.13.9

# make's own list of makefiles starts with a space and keeps the spaces of the path.
export RAVENSTVO_MAKEFILE := $(MAKEFILE_LIST)
# Only for `make -C`: the folder that the caller stands in.
export RAVENSTVO_CALLER := $(PWD)
export RAVENSTVO_UV := $(UV_VERSION)
export RAVENSTVO_PYTHON := $(PYTHON)

define go_home
caller=$$(pwd)
makefile="$${RAVENSTVO_MAKEFILE# }"
cd "$$(dirname "$$makefile")"
unset MAKEFLAGS MFLAGS MAKELEVEL
endef

# The environment is made once: a stamp holds the fingerprint of what it was made from.
define environment
fingerprint=$$(cat requirements.lock pyproject.toml | cksum; pwd)
if [ "$$(cat .venv/made-from 2>/dev/null || true)" != "$$fingerprint" ]; then
  echo "Подготовка окружения .venv (один раз)"
  "$$RAVENSTVO_PYTHON" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || {
    echo "Нужен Python 3.11: make PYTHON=/путь/к/python3.11" >&2; exit 1; }
  "$$RAVENSTVO_PYTHON" -m venv --without-pip --clear .venv
  "$$RAVENSTVO_PYTHON" -m venv .venv/bootstrap
  .venv/bootstrap/bin/python -m pip install --quiet "uv==$$RAVENSTVO_UV"
  uv=.venv/bootstrap/bin/uv
  "$$uv" pip sync --quiet --require-hashes --compile-bytecode --python .venv/bin/python requirements.lock
  "$$uv" pip install --quiet --no-deps --python .venv/bin/python --editable .
  printf '%s\n' "$$fingerprint" > .venv/made-from
fi
endef

# An environment of its own, $(1), of a lock, $(2); $(3) says what it is.
define own_environment
fingerprint=$$(cksum < $(2); pwd)
if [ "$$(cat $(1)/made-from 2>/dev/null || true)" != "$$fingerprint" ]; then
  echo "Подготовка окружения $(3)"
  "$$RAVENSTVO_PYTHON" -m venv --without-pip --clear $(1)
  .venv/bootstrap/bin/uv pip sync --quiet --require-hashes --compile-bytecode --python $(1)/bin/python $(2)
  printf '%s\n' "$$fingerprint" > $(1)/made-from
fi
endef

# Superset cannot share one with the pipeline.
bi_environment = $(call own_environment,.venv-bi,include/bi/requirements.lock,Superset .venv-bi (один раз, около 800 МБ))
# Spark is large, and only `ravenstvo spark` and RAVENSTVO_ENGINE=spark need it.
spark_environment = $(call own_environment,.venv-spark,include/spark/requirements.lock,Spark .venv-spark (один раз, около 750 МБ))
# What the pipeline is compared with; none of it is part of the product.
bench_environment = $(call own_environment,.venv-bench,bench/requirements.lock,.venv-bench (один раз))

# Pages and dashboards are tested in a browser, workers with a Redis of their own. Without them, and without the right to
# install them, those tests are skipped and say so.
define test_programs
if ! command -v redis-server >/dev/null && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "Установка Redis для проверки исполнителей (один раз)"
  # Only the program: the tests start a server of their own, the package's stays down.
  { apt-get -qq update && RUNLEVEL=1 apt-get -qq install --yes redis-server; } >/dev/null 2>&1 || echo "Redis не установился" >&2
fi
if ! command -v chromium >/dev/null && ! command -v chromium-browser >/dev/null && ! command -v google-chrome >/dev/null; then
  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Установка Chromium для проверки страниц (один раз)"
    { apt-get -qq update && apt-get -qq install --yes chromium; } >/dev/null 2>&1 || echo "Chromium не установился" >&2
  fi
fi
endef

setup:
	@$(go_home)
	$(environment)

setup-bi:
	@$(go_home)
	$(environment)
	$(bi_environment)

setup-spark:
	@$(go_home)
	$(environment)
	$(spark_environment)

spark:
	@$(go_home)
	$(environment)
	$(spark_environment)
	exec .venv/bin/ravenstvo spark

bi:
	@$(go_home)
	$(environment)
	$(bi_environment)
	exec .venv/bin/ravenstvo bi up

run:
	@case "$${MAKEFLAGS%% *}" in -*) moved= ;; *w*) moved=1 ;; *) moved= ;; esac
	$(go_home)
	$(environment)
	inbox=$${INBOX:-}
	case "$$inbox" in
	  ''|/*|*://*) ;;
	  *)
	    # Relative to where the caller stands; under `make -C` that is not where make stands.
	    if [ -n "$$moved" ] && [ -e "$$RAVENSTVO_CALLER/$$inbox" ]; then inbox="$$RAVENSTVO_CALLER/$$inbox"
	    else inbox="$$caller/$$inbox"; fi ;;
	esac
	set --
	[ -z "$$inbox" ] || set -- "$$@" --inbox "$$inbox"
	[ -z "$${YEAR:-}" ] || set -- "$$@" --year "$$YEAR"
	exec .venv/bin/ravenstvo run "$$@"

test:
	@$(go_home)
	$(environment)
	$(test_programs)
	if [ -n "$${SPARK:-}" ]; then
	$(spark_environment)
	fi
	exec .venv/bin/python -m pytest --numprocesses logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder $${ARGS:-}

lint:
	@$(go_home)
	$(environment)
	PATH="$$PWD/.venv/bin:$$PATH"
	ruff check .
	ruff format --check .
	# Beside sqlfluff, which takes longest; what it says is kept until sqlfluff has spoken.
	others=$$(mktemp)
	{ mypy && lint-imports && yamllint --strict .; } >"$$others" 2>&1 &
	status=0
	sqlfluff lint --disable-progress-bar --processes 0 dbt_project || status=$$?
	wait $$! || status=$$?
	cat "$$others"
	rm -f "$$others"
	exit $$status

up down:
	@$(go_home)
	$(environment)
	exec .venv/bin/ravenstvo $@

bench:
	@$(go_home)
	$(environment)
	$(bench_environment)
	exec .venv/bin/python bench/whole.py $${ARGS:---with naive,earthmover,duckdb}
