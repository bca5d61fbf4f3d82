#!/usr/bin/env bash
# Before the tests: a browser and Chinese fonts, installed where that can be done, named where it cannot.
# Always exits 0: tests that need a missing browser then fail and say so; they never pass by being left out.
set -u

say() { printf '%s\n' "$*" >&2; }

# A browser that is already there: CHROMIUM (its path), or one of the usual names.
browser() {
  if [ -n "${CHROMIUM:-}" ]; then
    [ -x "$CHROMIUM" ] && { echo "$CHROMIUM"; return 0; }
    say "CHROMIUM=$CHROMIUM：不是可执行文件 / is no executable file"
    return 1
  fi
  command -v chromium || command -v chromium-browser || command -v google-chrome
}

# Any font with Chinese characters; without one every character is the same empty box.
chinese_fonts() { command -v fc-list >/dev/null && [ -n "$(fc-list :lang=zh family 2>/dev/null | head -n 1)" ]; }

if [ "${REGISTRY_TESTS_WITHOUT_BROWSER:-}" = 1 ]; then
  say "REGISTRY_TESTS_WITHOUT_BROWSER=1：跳过浏览器测试 / browser tests are skipped"
  exit 0
fi

wanted=()
browser >/dev/null || [ -n "${CHROMIUM:-}" ] || wanted+=(chromium)
chinese_fonts || wanted+=(fontconfig fonts-noto-cjk)

if [ ${#wanted[@]} -gt 0 ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  say "正在安装浏览器测试所需 / installing what the browser tests need: ${wanted[*]} ..."
  export DEBIAN_FRONTEND=noninteractive
  log="$(mktemp)"
  if apt-get update -qq >"$log" 2>&1 && apt-get install -y -qq --no-install-recommends "${wanted[@]}" >>"$log" 2>&1; then
    wanted=()
  else
    tail -n 5 "$log" >&2
  fi
  rm -f "$log"
fi

if ! browser >/dev/null; then
  say "缺少浏览器：浏览器测试将失败。以 root 运行 apt-get install chromium fonts-noto-cjk，或用 CHROMIUM=路径 指定已有的浏览器。"
  say "No browser: the browser tests will fail. As root run: apt-get install chromium fonts-noto-cjk, or name one: CHROMIUM=path."
elif [ ${#wanted[@]} -gt 0 ]; then
  say "缺少中文字体，截图中汉字会显示为方框：apt-get install fonts-noto-cjk"
  say "No Chinese font: characters on screenshots will be boxes. As root run: apt-get install fonts-noto-cjk"
fi
exit 0
