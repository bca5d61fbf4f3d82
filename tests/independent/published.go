package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// tiles is a tlog.TileReader of the log published below a prefix.
type tiles struct{ prefix string }

func newTiles(prefix string) tiles { return tiles{strings.TrimRight(prefix, "/")} }

func (log tiles) Height() int { return height }

func (log tiles) SaveTiles([]tlog.Tile, [][]byte) {}

func (log tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	data := make([][]byte, len(wanted))
	for i, tile := range wanted {
		found, err := log.get(tile)
		if err != nil {
			return nil, err
		}
		if len(found) == width*tlog.HashSize {
			found = found[:tile.W*tlog.HashSize]
		}
		data[i] = found
	}
	return data, nil
}

// get reads a tile, or the full one in its place: a log may delete a partial tile once it is full.
func (log tiles) get(tile tlog.Tile) ([]byte, error) {
	data, err := read(log.prefix + "/" + path(tile))
	if err == nil || tile.W == width {
		return data, err
	}
	tile.W = width
	return read(log.prefix + "/" + path(tile))
}

// tilesOf returns the tiles that hold the first count hashes of a level, or the bundles with as many entries.
func tilesOf(level int, count int64) []tlog.Tile {
	var all []tlog.Tile
	for n := int64(0); n*width < count; n++ {
		tile := tlog.Tile{H: height, L: level, N: n, W: width}
		if rest := count - n*width; rest < width {
			tile.W = int(rest)
		}
		all = append(all, tile)
	}
	return all
}

// path is a tile's place after C2SP: without the height, and with another word for the records.
func path(tile tlog.Tile) string {
	short := strings.Replace(tile.Path(), fmt.Sprintf("tile/%d/", height), "tile/", 1)
	return strings.Replace(short, "tile/data/", "tile/entries/", 1)
}

// entries returns as many entries as the bundle must have; a full bundle in the place of a partial one has more.
func (log tiles) entries(bundle tlog.Tile) ([][]byte, error) {
	data, err := log.get(bundle)
	if err != nil {
		return nil, err
	}
	var entries [][]byte
	for len(data) >= 2 && len(data)-2 >= int(binary.BigEndian.Uint16(data)) {
		end := 2 + int(binary.BigEndian.Uint16(data))
		entries, data = append(entries, data[2:end]), data[end:]
	}
	if len(data) != 0 || (len(entries) != bundle.W && len(entries) != width) {
		return nil, fmt.Errorf("%s is not a bundle of %d entries", path(bundle), bundle.W)
	}
	return entries[:bundle.W], nil
}

// read returns the bytes of a file or of an http or https address.
func read(where string) ([]byte, error) {
	if !strings.HasPrefix(where, "http://") && !strings.HasPrefix(where, "https://") {
		return os.ReadFile(where)
	}
	client := http.Client{Timeout: 20 * time.Second}
	answer, err := client.Get(where)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", where, answer.Status)
	}
	return io.ReadAll(answer.Body)
}
