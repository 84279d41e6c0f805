package io.steelyard.feed.browser;

import com.microsoft.playwright.BrowserContext;
import com.microsoft.playwright.BrowserType;
import com.microsoft.playwright.Page;
import com.microsoft.playwright.Playwright;
import io.steelyard.feed.Needs;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** The Chromium of this machine; nothing is downloaded. */
final class Browser implements AutoCloseable {

  private final Playwright playwright;
  private final com.microsoft.playwright.Browser chromium;

  private Browser(Path program) {
    this.playwright =
        Playwright.create(
            new Playwright.CreateOptions().setEnv(Map.of("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1")));
    this.chromium =
        playwright
            .chromium()
            .launch(
                new BrowserType.LaunchOptions()
                    .setExecutablePath(program)
                    // Root has no sandbox, and the pages are ours.
                    .setArgs(List.of("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage")));
  }

  /** Starts it; the test is skipped where there is none. */
  static Browser start() {
    return new Browser(
        Needs.program(
            "chromium",
            Stream.concat(
                Needs.onPath("chromium", "chromium-browser", "google-chrome"),
                Stream.of(
                    Path.of("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")))));
  }

  /** A reader with nothing remembered; the page fails when it takes longer than ten seconds. */
  BrowserContext reader(com.microsoft.playwright.Browser.NewContextOptions options) {
    final BrowserContext context = chromium.newContext(options);
    context.setDefaultTimeout(10_000);
    return context;
  }

  /** A page of a new reader at a desk. */
  Page desk() {
    return reader(
            new com.microsoft.playwright.Browser.NewContextOptions().setViewportSize(1280, 900))
        .newPage();
  }

  @Override
  public void close() {
    chromium.close();
    playwright.close();
  }
}
