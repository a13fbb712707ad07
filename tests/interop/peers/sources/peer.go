// A server and a client of Go: net/http over crypto/tls, which say what they say by themselves.
//
//	peer serve PORT CERT KEY CA ASK ALLOWED
//	peer call  PORT CERT KEY CA VERSION
package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"os"
)

func pool(name string) *x509.CertPool {
	text, _ := os.ReadFile(name)
	found := x509.NewCertPool()
	found.AppendCertsFromPEM(text)
	return found
}

func serve(port, cert, key, ca, ask, allowed string) {
	config := &tls.Config{ClientCAs: pool(ca)}
	if ask == "required" {
		config.ClientAuth = tls.RequireAndVerifyClientCert
	}
	server := http.Server{
		TLSConfig:    config,
		TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){},
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if allowed != "none" && r.TLS.PeerCertificates[0].Subject.CommonName != allowed {
				http.Error(w, "Forbidden", http.StatusForbidden)
			}
		}),
		ConnState: func(_ net.Conn, state http.ConnState) {
			if state == http.StateClosed {
				fmt.Println("-- end")
			}
		},
	}
	server.SetKeepAlivesEnabled(false)
	listener, _ := net.Listen("tcp", "127.0.0.1:"+port)
	fmt.Fprintln(os.Stderr, server.ServeTLS(listener, cert, key))
}

func call(port, cert, key, ca, version string) {
	config := &tls.Config{RootCAs: pool(ca), MaxVersion: tls.VersionTLS13, MinVersion: tls.VersionTLS12}
	if version == "1.3" {
		config.MinVersion = tls.VersionTLS13
	} else {
		config.MaxVersion = tls.VersionTLS12
	}
	if cert != "none" {
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	client := http.Client{Transport: &http.Transport{TLSClientConfig: config}}
	answer, err := client.Get("https://localhost:" + port + "/")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("HTTP " + answer.Status)
}

func main() {
	a := os.Args
	if a[1] == "serve" {
		serve(a[2], a[3], a[4], a[5], a[6], a[7])
	} else {
		call(a[2], a[3], a[4], a[5], a[6])
	}
}
