# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Needs make and Python 3.11+, nothing else: no root, no git, no Galaxy. Everything it makes stays in this directory.

PYTHON ?= python3
VENV   ?= .venv
KEEP   ?=
# More for pytest, the benchmark or the soak test: make test ARGS='-k oracle'
ARGS   ?=

PY      := $(VENV)/bin/python
# A recipe's commands find the tools of the venv, and playbooks this collection, whatever the caller had set.
RUN     := PATH="$(abspath $(VENV))/bin:$$PATH" ANSIBLE_COLLECTIONS_PATH="$(CURDIR)/.collections" ANSIBLE_CONFIG="$(CURDIR)/ansible.cfg"
TOOLS   := $(VENV)/.ready
CHECKS  := $(VENV)/.ready-to-check
DOCS    := $(VENV)/.ready-for-docs

.PHONY: help demo test test-unit check docs bench bench-growth bench-cluster bench-large bench-playbook bench-live soak changelog pictures servers clean

help:
	@echo 'make demo    move an old server full of keys to a new one, prove it, do it again; then two apps on Cloud Foundry (KEEP=1: keep the servers)'
	@echo 'make test    unit and integration tests against real servers (ARGS=... for pytest)'
	@echo 'make test-unit  the tests that need no server, in under a minute (ARGS=... for pytest)'
	@echo 'make check   linters, documentation, sanity tests, licences, the build'
	@echo 'make docs    the documentation as a site, in .cache/docsite/html'
	@echo 'make bench   the table of speeds, with the manual procedure as the baseline'
	@echo 'make bench-growth  whether a key costs the same, however many there are'
	@echo 'make bench-cluster  from one Redis Cluster into another, beside RedisShake where it is installed'
	@echo 'make bench-large  the same for one enormous key of each type'
	@echo 'make bench-playbook  what the playbook takes besides the data, for one migration and for many'
	@echo 'make bench-live  how long applications stand still with a live migration, and what following costs them'
	@echo 'make soak    random data and random faults for a long time'
	@echo 'make changelog  take new modules and fragments into the changelog of this version'
	@echo 'make pictures  the pictures of a report in docs/pictures (needs chromium)'
	@echo 'make clean   remove everything that the above made'
	@echo 'PYTHON=python3.12 chooses the interpreter, VENV=dir where its environment lies'

demo: $(TOOLS)
	@$(RUN) KEEP='$(KEEP)' $(PY) -m tests.support.demo $(ARGS)

test: $(TOOLS) servers
	@$(RUN) $(PY) -m pytest -n 3 --dist worksteal $(ARGS)

# tests/unit/support tests the servers that the other tests use, so it starts some.
test-unit: $(TOOLS)
	@$(RUN) $(PY) -m pytest -n 3 --dist worksteal tests/unit --ignore tests/unit/support $(ARGS)

check: $(CHECKS)
	@$(RUN) bash .ci/check

docs: $(DOCS)
	@$(RUN) bash .ci/docs .cache/docsite

bench: $(TOOLS) servers
	@$(RUN) $(PY) -m tests.bench $(ARGS)

bench-growth: $(TOOLS) servers
	@$(RUN) $(PY) -m tests.bench.growth $(ARGS)

bench-cluster: $(TOOLS) servers
	@$(RUN) $(PY) -m tests.bench.cluster $(ARGS)

bench-large: $(TOOLS) servers
	@$(RUN) $(PY) -m tests.bench.large $(ARGS)

bench-playbook: $(TOOLS) servers
	@$(RUN) $(PY) -m tests.bench.playbook $(ARGS)

bench-live: $(TOOLS) servers
	@$(RUN) $(PY) -m tests.bench.live $(ARGS)

soak: $(TOOLS) servers
	@$(RUN) $(PY) -m pytest -m soak --timeout=0 $(ARGS)

changelog: $(CHECKS)
	@$(RUN) antsibull-changelog release --reload-plugins --update-existing

pictures: $(TOOLS)
	@$(RUN) PYTHONPATH='$(CURDIR)/.collections' $(PY) -m tests.support.pictures

servers: $(TOOLS)
	@$(PY) -m tests.support.fetch_servers

clean:
	rm -rf .venv .venv-* .cache .demo .ansible .mypy_cache .pytest_cache .ruff_cache .hypothesis dist tests/output
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(TOOLS): requirements.txt requirements-test.txt
	@command -v "$(PYTHON)" >/dev/null || \
		{ echo 'There is no $(PYTHON) here. Install Python 3.11 or newer, or say where it is: make PYTHON=/path/to/python3'; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed, and $(PYTHON) is $$("$(PYTHON)" -V). Name another: make PYTHON=python3.12"; exit 1; }
	@echo 'Making a Python environment in $(VENV)'
	@"$(PYTHON)" -m venv "$(VENV)"
	@"$(PY)" -m pip install --quiet --disable-pip-version-check -r requirements.txt -r requirements-test.txt
	@touch $@

$(DOCS): $(TOOLS) requirements-docs.txt
	@"$(PY)" -m pip install --quiet --disable-pip-version-check -r requirements-docs.txt
	@touch $@

$(CHECKS): $(DOCS) requirements-check.txt
	@"$(PY)" -m pip install --quiet --disable-pip-version-check -r requirements-check.txt
	@touch $@
