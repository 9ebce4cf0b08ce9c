package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// load asks an HTTP server for something in a given rhythm, and not one request after the other.
type load struct {
	address  string
	every    time.Duration
	client   *http.Client
	done     chan struct{}
	ended    sync.WaitGroup
	began    time.Time
	requests atomic.Int64
	mu       sync.Mutex
	failures []error
}

func newLoad(address string, every time.Duration, transport *http.Transport) *load {
	// Clients have an address of their own: their ports are none of those that a test has found free at 127.0.0.1.
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 3)}}
	transport.DialContext = dialer.DialContext
	l := &load{
		address: address, every: every, client: &http.Client{Transport: transport, Timeout: patience},
		done: make(chan struct{}), began: time.Now(),
	}
	l.ended.Add(1)
	go l.run() // asks until done is closed, and waits for the answers
	return l
}

// newConnections has each request made on a connection of its own.
func newConnections() *http.Transport { return &http.Transport{DisableKeepAlives: true} }

// keptConnections has requests made on the connections of those before them.
func keptConnections() *http.Transport { return &http.Transport{MaxIdleConnsPerHost: 16} }

func (l *load) run() {
	defer l.ended.Done()
	tick := time.NewTicker(l.every)
	defer tick.Stop()
	room := make(chan struct{}, 100) // requests under way
	for turn := time.Duration(0); ; {
		select {
		case <-l.done:
			return
		case <-tick.C:
		}
		for ; turn*l.every < time.Since(l.began); turn++ {
			select {
			case room <- struct{}{}:
				l.ended.Add(1)
				go l.ask(room) // one request; ends with its answer
			default: // a machine that is too slow for the rhythm leaves some out
			}
		}
	}
}

func (l *load) ask(room <-chan struct{}) {
	defer l.ended.Done()
	defer func() { <-room }()
	l.requests.Add(1)
	if err := get(l.client, l.address); err != nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.failures = append(l.failures, err)
	}
}

func (l *load) stop() (requests int64, failures []error, rate float64) {
	close(l.done)
	l.ended.Wait()
	l.client.CloseIdleConnections()
	requests = l.requests.Load()
	return requests, l.failures, float64(requests) / time.Since(l.began).Seconds()
}

// get asks for the page that all servers of these tests have.
func get(client *http.Client, address string) error {
	resp, err := client.Get("http://" + address + "/")
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && (resp.StatusCode != 200 || string(body) != "hello") {
		err = fmt.Errorf("status %d, %q", resp.StatusCode, body)
	}
	return err
}
