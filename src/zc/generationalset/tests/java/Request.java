import java.io.*;
import java.net.URI;
import java.net.http.*;
import java.nio.charset.StandardCharsets;
import java.util.zip.GZIPInputStream;

/** Makes a request with Java's own client: METHOD URL BODY [FIELD]... */
class Request {
    public static void main(String[] arguments) throws Exception {
        var request = HttpRequest.newBuilder(URI.create(arguments[1]));
        request.method(arguments[0], arguments[2].isEmpty()
            ? HttpRequest.BodyPublishers.noBody()
            : HttpRequest.BodyPublishers.ofString(arguments[2]));
        var whole = true;
        for (var i = 3; i < arguments.length; i++) {
            if (arguments[i].equals("--body")) {
                whole = false;
            } else {
                var field = arguments[i].split(": ", 2);
                request.header(field[0], field[1]);
            }
        }
        var response = HttpClient.newHttpClient().send(
            request.build(), HttpResponse.BodyHandlers.ofInputStream());
        var out = new PrintStream(System.out, false, "UTF-8");
        if (whole) {
            head(response, out);
        }
        InputStream body = response.body();
        if (response.headers().firstValue("content-encoding").isPresent()) {
            body = new GZIPInputStream(body);
        }
        var lines = new BufferedReader(
            new InputStreamReader(body, StandardCharsets.UTF_8));
        for (String line; (line = lines.readLine()) != null;) {
            out.print(line + "\n");
            out.flush();
        }
        out.flush();
        System.exit(0);
    }

    static void head(HttpResponse<?> response, PrintStream out) {
        out.print("HTTP/1.1 " + response.statusCode() + " \r\n");
        response.headers().map().forEach((name, values) ->
            values.forEach(value -> out.print(name + ": " + value + "\r\n")));
        out.print("\r\n");
    }
}
