# make run    環境をそろえ、索引を最新にして、http://127.0.0.1:7860 で画面を開く
# make test   環境をそろえ、すべてのテストを動かす
# make check  書式・型の検査      make eval  索引を最新にして正答率を測り、報告を eval/results/report.html に書く      make corpus  見本の文書を作り直す
# make bench-retrieval DATA=フォルダー SETS="名前 …" OPTIONS="--output 結果.json"  評価データで、探す力を方式ごとに測る
# make bench-public DATA=フォルダー SETS="名前 …"   手元にある公開の評価データで測り、公表されている値と並べる（なければ、そう示す）

PYTHON ?= python3.11
BIN := .venv/bin
DATA ?= ../shared/data/bench
# 待つ時間の多いテスト（ブラウザー、サーバー）があるので、コアより 1 つ多く動かす
WORKERS ?= $(shell $(PYTHON) -c 'import os; print(min(4, (os.cpu_count() or 1) + 1))')

.PHONY: run test check eval bench-retrieval bench-public corpus clean

run: .venv/run.stamp
	$(BIN)/rag index || [ $$? -eq 1 ]
	$(BIN)/python app.py

test: .venv/dev.stamp
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile

check: .venv/dev.stamp
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

eval: .venv/run.stamp
	$(BIN)/rag index || [ $$? -eq 1 ]
	$(BIN)/python -m eval --variant all

bench-retrieval: .venv/dev.stamp
	$(BIN)/python -m eval.bench.retrieval $(DATA) $(SETS) $(OPTIONS)

bench-public: .venv/dev.stamp
	$(BIN)/python -m eval.bench.public $(DATA) $(SETS) $(OPTIONS)

corpus: .venv/dev.stamp
	$(BIN)/python -m eval.municipality.build && $(BIN)/python -m eval.municipality.check

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/run.stamp: .venv/bin/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable .
	touch $@

.venv/dev.stamp: .venv/bin/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

clean:
	rm -rf .venv build *.egg-info
