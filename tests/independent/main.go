// Verify checks what the register publishes about its log with code its authors did not write: signatures, hashes
// and proofs are checked by golang.org/x/mod/sumdb (note and tlog), made for Go's checksum database. What is here only
// reads files or addresses and says where C2SP tlog-tiles keeps the tiles that tlog asks for.
//
// VKEYS holds one verifier key a line, ENTRY the bytes of an entry, PROOF one hash a line in base64, TLOG-PROOF what
// its C2SP name says. LOG has a checkpoint and tiles below it. Each is a file (LOG: a folder) or an http address.
// Exit status: 0 accepted, 1 refused, each with one line; 2 wrong usage.
package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const usage = `usage:
  verify checkpoint  VKEYS CHECKPOINT
  verify inclusion   VKEYS ENTRY TLOG-PROOF
  verify consistency VKEYS CHECKPOINT NEWER PROOF
  verify same        VKEYS CHECKPOINT NEWER LOG
  verify log         VKEYS LOG`

const height, width = 8, 256

var errUsage = errors.New(usage)

func main() {
	said, err := run(os.Args[1:])
	if err == errUsage {
		fmt.Fprintln(os.Stderr, usage)
		os.Exit(2)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "refused: %v\n", err)
		os.Exit(1)
	}
	fmt.Printf("accepted: %s\n", said)
}

func run(args []string) (string, error) {
	switch {
	case len(args) == 3 && args[0] == "checkpoint":
		return checkpoint(args[1:])
	case len(args) == 4 && args[0] == "inclusion":
		return inclusion(args[1:])
	case len(args) == 5 && args[0] == "consistency":
		return consistency(args[1:])
	case len(args) == 5 && args[0] == "same":
		return same(args[1:])
	case len(args) == 3 && args[0] == "log":
		return wholeLog(args[1:])
	}
	return "", errUsage
}

func checkpoint(args []string) (string, error) {
	tree, err := open(args[0], args[1])
	return fmt.Sprintf("a checkpoint of %d entries", tree.N), err
}

func inclusion(args []string) (string, error) {
	entry, err := read(args[1])
	if err != nil {
		return "", err
	}
	raw, err := read(args[2])
	if err != nil {
		return "", err
	}
	head, signed, _ := strings.Cut(string(raw), "\n\n")
	lines := strings.Split(head, "\n")
	if len(lines) > 1 && strings.HasPrefix(lines[1], "extra ") {
		lines = append(lines[:1], lines[2:]...)
	}
	if len(lines) < 2 || lines[0] != "c2sp.org/tlog-proof@v1" || !strings.HasPrefix(lines[1], "index ") {
		return "", fmt.Errorf("%s is no tlog-proof", args[2])
	}
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[1], "index "), 10, 64)
	if err != nil {
		return "", err
	}
	hashes, err := parseHashes(lines[2:])
	if err != nil {
		return "", err
	}
	tree, err := openText(args[0], []byte(signed))
	if err != nil {
		return "", err
	}
	err = tlog.CheckRecord(hashes, tree.N, tree.Hash, index, tlog.RecordHash(entry))
	return fmt.Sprintf("entry %d of %d", index+1, tree.N), err
}

func consistency(args []string) (string, error) {
	older, newer, err := both(args)
	if err != nil {
		return "", err
	}
	text, err := read(args[3])
	if err != nil {
		return "", err
	}
	hashes, err := parseHashes(strings.Fields(string(text)))
	if err != nil {
		return "", err
	}
	err = tlog.CheckTree(hashes, newer.N, newer.Hash, older.N, older.Hash)
	return fmt.Sprintf("the log of %d entries begins with that of %d", newer.N, older.N), err
}

func same(args []string) (string, error) {
	older, newer, err := both(args)
	if err != nil {
		return "", err
	}
	hashes, err := tlog.ProveTree(newer.N, older.N, tlog.TileHashReader(newer, newTiles(args[3])))
	if err != nil {
		return "", err
	}
	err = tlog.CheckTree(tlog.TreeProof(hashes), newer.N, newer.Hash, older.N, older.Hash)
	return fmt.Sprintf("the log of %d entries begins with that of %d", newer.N, older.N), err
}

// wholeLog builds the tree anew from every entry and compares each tile and the root with it. It does not leave that to
// tlog.TileHashReader, which before v0.40.0 lets some full tiles pass unchecked (CVE-2026-56865).
func wholeLog(args []string) (string, error) {
	log := newTiles(args[1])
	tree, err := open(args[0], log.prefix+"/checkpoint")
	if err != nil {
		return "", err
	}
	built, err := rebuilt(log, tree.N)
	if err != nil {
		return "", err
	}
	for level := 0; tree.N>>(height*level) > 0; level++ {
		for _, tile := range tilesOf(level, tree.N>>(height*level)) {
			if err := compare(log, tile, built); err != nil {
				return "", err
			}
		}
	}
	root, err := tlog.TreeHash(tree.N, built)
	if tree.N == 0 { // the library has a hash of its own for the empty tree
		root = sha256.Sum256(nil)
	}
	if err == nil && root != tree.Hash {
		err = errors.New("the entries do not give the root of the checkpoint")
	}
	return fmt.Sprintf("a log of %d entries, each of them read", tree.N), err
}

// rebuilt returns every hash of the tree, made from the entries alone.
func rebuilt(log tiles, size int64) (tlog.HashReader, error) {
	var stored []tlog.Hash
	built := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		found := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			found[i] = stored[index]
		}
		return found, nil
	})
	for _, bundle := range tilesOf(-1, size) {
		entries, err := log.entries(bundle)
		if err != nil {
			return nil, err
		}
		for i, entry := range entries {
			hashes, err := tlog.StoredHashes(bundle.N*width+int64(i), entry, built)
			if err != nil {
				return nil, err
			}
			stored = append(stored, hashes...)
		}
	}
	return built, nil
}

func compare(log tiles, tile tlog.Tile, built tlog.HashReader) error {
	wanted, err := tlog.ReadTileData(tile, built)
	if err != nil {
		return err
	}
	found, err := log.ReadTiles([]tlog.Tile{tile})
	if err != nil {
		return err
	}
	if len(found[0]) != len(wanted) {
		return fmt.Errorf("%s has %d bytes", path(tile), len(found[0]))
	}
	for at := 0; at < len(wanted); at += tlog.HashSize {
		if !bytes.Equal(found[0][at:at+tlog.HashSize], wanted[at:at+tlog.HashSize]) {
			return fmt.Errorf("hash %d of %s does not follow from the entries", at/tlog.HashSize+1, path(tile))
		}
	}
	return nil
}

func open(vkeys, checkpoint string) (tlog.Tree, error) {
	raw, err := read(checkpoint)
	if err != nil {
		return tlog.Tree{}, err
	}
	return openText(vkeys, raw)
}

// openText returns the tree of a checkpoint that a key of VKEYS has signed under the log's name.
func openText(vkeys string, checkpoint []byte) (tlog.Tree, error) {
	text, err := read(vkeys)
	if err != nil {
		return tlog.Tree{}, err
	}
	var known []note.Verifier
	for _, line := range strings.Fields(string(text)) {
		verifier, err := note.NewVerifier(line)
		if err != nil {
			return tlog.Tree{}, err
		}
		known = append(known, verifier)
	}
	signed, err := note.Open(checkpoint, note.VerifierList(known...))
	if err != nil {
		return tlog.Tree{}, err
	}
	origin, rest, _ := strings.Cut(signed.Text, "\n")
	if origin != signed.Sigs[0].Name {
		return tlog.Tree{}, fmt.Errorf("a checkpoint of %s, signed by %s", origin, signed.Sigs[0].Name)
	}
	// The library reads these lines only under the name of the one log it was made for.
	return tlog.ParseTree([]byte("go.sum database tree\n" + rest))
}

func both(args []string) (older, newer tlog.Tree, err error) {
	if older, err = open(args[0], args[1]); err != nil {
		return older, newer, err
	}
	newer, err = open(args[0], args[2])
	return older, newer, err
}

func parseHashes(lines []string) ([]tlog.Hash, error) {
	var hashes []tlog.Hash
	for _, line := range lines {
		hash, err := tlog.ParseHash(line)
		if err != nil {
			return nil, err
		}
		hashes = append(hashes, hash)
	}
	return hashes, nil
}
