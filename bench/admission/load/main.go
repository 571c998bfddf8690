// Sends admission reviews over TLS on connections that are kept open, and says how fast the answers came: one run, one line of JSON.
// HTTP/1.1 is written and read by hand, so that this program is not what is measured: a request costs it a copy, a few bytes of a new
// uid, and a read.
package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Each review names itself by this; it is overwritten with another one for every request, and the answer must name that.
const uidPlaceholder = "00000000-0000-4000-8000-000000000000"

type settings struct {
	address, path, expect string
	roots                 *x509.CertPool
	bodies                [][]byte
	connections, rate     int
	duration              time.Duration
}

type result struct {
	Requests  int     `json:"requests"`
	PerSecond float64 `json:"perSecond"`
	P50Micros float64 `json:"p50Micros"`
	P99Micros float64 `json:"p99Micros"`
}

func main() {
	s, err := parse()
	if err == nil {
		err = run(s)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

func parse() (settings, error) {
	var s settings
	var ca, bodies string
	flag.StringVar(&s.address, "address", "", "host:port")
	flag.StringVar(&s.path, "path", "/validate", "path of the requests")
	flag.StringVar(&ca, "ca", "", "PEM file with the CA that the server is trusted by")
	flag.StringVar(&bodies, "bodies", "", "files with reviews, separated by commas; they take turns")
	flag.StringVar(&s.expect, "expect", "", "text that every answer must contain")
	flag.IntVar(&s.connections, "connections", 16, "connections")
	flag.IntVar(&s.rate, "rate", 0, "requests a second at fixed moments (open loop); 0: each connection sends as soon as it has its answer (closed loop)")
	flag.DurationVar(&s.duration, "duration", time.Second, "how long")
	flag.Parse()
	pem, err := os.ReadFile(ca)
	if err != nil {
		return s, err
	}
	s.roots = x509.NewCertPool()
	if !s.roots.AppendCertsFromPEM(pem) {
		return s, fmt.Errorf("%s holds no certificate", ca)
	}
	for _, name := range strings.Split(bodies, ",") {
		body, err := os.ReadFile(name)
		if err != nil {
			return s, err
		}
		if bytes.Count(body, []byte(uidPlaceholder)) != 1 {
			return s, fmt.Errorf("%s does not hold the uid %s exactly once", name, uidPlaceholder)
		}
		s.bodies = append(s.bodies, body)
	}
	return s, nil
}

func run(s settings) error {
	clients := make([]*client, s.connections)
	for i := range clients {
		c, err := connect(s, i)
		if err != nil {
			return err
		}
		defer c.connection.Close()
		clients[i] = c
	}
	// The first requests of a connection pay for what later ones find ready.
	for _, c := range clients {
		if err := c.ask(time.Now()); err != nil {
			return err
		}
		c.latencies = c.latencies[:0]
	}
	begun := time.Now()
	load := closedLoop
	if s.rate > 0 {
		load = openLoop
	}
	if err := load(s, clients); err != nil {
		return err
	}
	return report(clients, time.Since(begun))
}

func closedLoop(s settings, clients []*client) error {
	end := time.Now().Add(s.duration)
	return all(clients, func(c *client) error {
		for now := time.Now(); now.Before(end); now = time.Now() {
			if err := c.ask(now); err != nil {
				return err
			}
		}
		return nil
	})
}

// A request is due at a fixed moment whatever became of those before it; when all connections are busy it waits, and that counts.
func openLoop(s settings, clients []*client) error {
	due := make(chan time.Time, s.rate)
	go func() {
		// A timer of the runtime may be a millisecond late; the kernel's is not.
		runtime.LockOSThread()
		begun := time.Now()
		pause := time.Second / time.Duration(s.rate)
		for i := 0; time.Duration(i)*pause < s.duration; i++ {
			if wait := time.Until(begun.Add(time.Duration(i) * pause)); wait > 0 {
				request := syscall.NsecToTimespec(int64(wait))
				_ = syscall.Nanosleep(&request, nil)
			}
			due <- time.Now()
		}
		close(due)
	}()
	return all(clients, func(c *client) error {
		for at := range due {
			if err := c.ask(at); err != nil {
				return err
			}
		}
		return nil
	})
}

func all(clients []*client, work func(*client) error) error {
	failures := make([]error, len(clients))
	var group sync.WaitGroup
	for i, c := range clients {
		group.Go(func() { failures[i] = work(c) })
	}
	group.Wait()
	return errors.Join(failures...)
}

func report(clients []*client, took time.Duration) error {
	var latencies []time.Duration
	for _, c := range clients {
		latencies = append(latencies, c.latencies...)
	}
	if len(latencies) == 0 {
		return errors.New("no request was answered")
	}
	slices.Sort(latencies)
	at := func(share float64) float64 { return float64(latencies[int(share*float64(len(latencies)-1))].Nanoseconds()) / 1000 }
	return json.NewEncoder(os.Stdout).Encode(result{len(latencies), float64(len(latencies)) / took.Seconds(), at(0.5), at(0.99)})
}

type client struct {
	connection *tls.Conn
	answers    *bufio.Reader
	requests   []request
	sent       int
	number     int
	expect     []byte
	body       []byte
	latencies  []time.Duration
}

type request struct {
	bytes []byte
	// The part of bytes that holds the uid.
	uid []byte
}

func connect(s settings, number int) (*client, error) {
	connection, err := tls.Dial("tcp", s.address, &tls.Config{RootCAs: s.roots})
	if err != nil {
		return nil, err
	}
	c := &client{connection: connection, answers: bufio.NewReaderSize(connection, 64<<10), number: number, expect: []byte(s.expect)}
	for i := range s.bodies {
		// Connections begin with different ones, or all would send the same at the same time.
		body := s.bodies[(i+number)%len(s.bodies)]
		head := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: load\r\nContent-Type: application/json\r\nAccept: application/json, */*\r\nContent-Length: %d\r\n\r\n", s.path, s.address, len(body))
		whole := append([]byte(head), body...)
		at := bytes.Index(whole, []byte(uidPlaceholder))
		c.requests = append(c.requests, request{whole, whole[at : at+len(uidPlaceholder)]})
	}
	return c, nil
}

// One request and its answer; `at`: when it was due.
func (c *client) ask(at time.Time) error {
	next := c.requests[c.sent%len(c.requests)]
	copy(next.uid, fmt.Sprintf("%08x-%04x", c.sent, c.number))
	c.sent++
	if _, err := c.connection.Write(next.bytes); err != nil {
		return err
	}
	status, err := c.readAnswer()
	if err != nil {
		return err
	}
	c.latencies = append(c.latencies, time.Since(at))
	if status != 200 || !bytes.Contains(c.body, next.uid) || !bytes.Contains(c.body, c.expect) {
		return fmt.Errorf("answered %d: %.300s", status, c.body)
	}
	return nil
}

func (c *client) readAnswer() (int, error) {
	status, length := 0, -1
	for line := 0; ; line++ {
		text, err := c.answers.ReadSlice('\n')
		if err != nil {
			return 0, err
		}
		text = bytes.TrimRight(text, "\r\n")
		if len(text) == 0 {
			break
		}
		if line == 0 {
			if len(text) < 12 {
				return 0, fmt.Errorf("%q is no status line", text)
			}
			status, err = strconv.Atoi(string(text[9:12]))
		} else if name, value, found := bytes.Cut(text, []byte(":")); found && bytes.EqualFold(name, []byte("content-length")) {
			length, err = strconv.Atoi(string(bytes.TrimSpace(value)))
		}
		if err != nil {
			return 0, err
		}
	}
	if length < 0 {
		return 0, errors.New("an answer without a content-length")
	}
	c.body = slices.Grow(c.body[:0], length)[:length]
	_, err := io.ReadFull(c.answers, c.body)
	return status, err
}
