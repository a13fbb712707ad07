// A server and a client of Java: SSLServerSocket and HttpsURLConnection.
//
//   java Peer serve PORT CERT KEY CA ASK ALLOWED
//   java Peer call  PORT CERT KEY CA VERSION
import java.io.ByteArrayInputStream;
import java.io.FileInputStream;
import java.net.InetAddress;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import javax.net.ssl.HttpsURLConnection;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;

public class Peer {
    static final char[] NO_PASSWORD = new char[0];

    static Certificate certificate(String path) throws Exception {
        return CertificateFactory.getInstance("X.509").generateCertificate(new FileInputStream(path));
    }

    static SSLContext context(String cert, String key, String ca) throws Exception {
        KeyStore own = KeyStore.getInstance("PKCS12");
        own.load(null, NO_PASSWORD);
        if (!cert.equals("none")) {
            String text = Files.readString(Path.of(key)).replaceAll("-----[A-Z ]+-----|\\s", "");
            var spec = new PKCS8EncodedKeySpec(Base64.getDecoder().decode(text));
            var secret = KeyFactory.getInstance("EC").generatePrivate(spec);
            own.setKeyEntry("own", secret, NO_PASSWORD, new Certificate[] {certificate(cert)});
        }
        KeyStore trusted = KeyStore.getInstance("PKCS12");
        trusted.load(null, NO_PASSWORD);
        trusted.setCertificateEntry("ca", certificate(ca));
        var keys = KeyManagerFactory.getInstance("SunX509");
        keys.init(own, NO_PASSWORD);
        var trust = TrustManagerFactory.getInstance("PKIX");
        trust.init(trusted);
        var context = SSLContext.getInstance("TLS");
        // "SunX509" sends what it has only if its issuer is among the names that are asked for.
        context.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
        return context;
    }

    // What printStackTrace prints, without the places in the code.
    static void say(Throwable error) {
        System.err.println(error);
        for (Throwable each = error.getCause(); each != null; each = each.getCause()) {
            System.err.println("Caused by: " + each);
        }
    }

    static void serve(String[] a) throws Exception {
        var factory = context(a[2], a[3], a[4]).getServerSocketFactory();
        var address = InetAddress.getByName("127.0.0.1");
        var server = (SSLServerSocket) factory.createServerSocket(Integer.parseInt(a[1]), 50, address);
        server.setNeedClientAuth(a[5].equals("required"));
        while (true) {
            try (var connection = (SSLSocket) server.accept()) {
                connection.setSoTimeout(20000);
                connection.startHandshake();
                connection.getInputStream().read(new byte[4096]);
                String status = "200 OK";
                if (!a[6].equals("none")) {
                    var peer = (X509Certificate) connection.getSession().getPeerCertificates()[0];
                    if (!peer.getSubjectX500Principal().getName().equals("CN=" + a[6])) {
                        status = "403 Forbidden";
                    }
                }
                String answer = "HTTP/1.1 " + status + "\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
                connection.getOutputStream().write(answer.getBytes());
            } catch (Exception error) {
                say(error);
            }
            System.err.println("-- end");
        }
    }

    static void call(String[] a) throws Exception {
        System.setProperty("jdk.tls.client.protocols", "TLSv" + a[5]);
        var connection = (HttpsURLConnection) new URL("https://localhost:" + a[1] + "/").openConnection();
        connection.setSSLSocketFactory(context(a[2], a[3], a[4]).getSocketFactory());
        connection.setReadTimeout(20000);
        try {
            connection.getInputStream().readAllBytes();
            System.out.println("HTTP " + connection.getResponseCode());
        } catch (Exception error) {
            say(error);
            System.exit(1);
        }
    }

    public static void main(String[] a) throws Exception {
        if (a[0].equals("serve")) {
            serve(a);
        } else {
            call(a);
        }
    }
}
