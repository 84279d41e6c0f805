package io.steelyard.feed.browser;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;

import com.deque.html.axecore.playwright.AxeBuilder;
import com.deque.html.axecore.results.Rule;
import com.microsoft.playwright.Browser.NewContextOptions;
import com.microsoft.playwright.BrowserContext;
import com.microsoft.playwright.Page;
import com.microsoft.playwright.options.AriaRole;
import com.microsoft.playwright.options.ColorScheme;
import io.steelyard.feed.configuration.Setting;
import io.steelyard.feed.configuration.Settings;
import io.steelyard.feed.site.Site;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The pages as a reader has them, in a real browser. */
class PagesTest {

  private static final List<String> WCAG = List.of("wcag2a", "wcag2aa", "wcag21a", "wcag21aa");

  private static Browser browser;
  private static Site site;

  @BeforeAll
  static void start() {
    browser = Browser.start();
    site =
        Site.start(
            Settings.with(
                Map.of(
                    Setting.PORT, "0",
                    Setting.DB, "jdbc:h2:mem:" + UUID.randomUUID() + ";DB_CLOSE_DELAY=-1",
                    Setting.RUNS, "no-such-folder",
                    Setting.RATE_PAGES, "0",
                    Setting.RATE_API, "0",
                    Setting.RATE_SEARCH, "0")));
  }

  @AfterAll
  static void stop() {
    // Neither is there where Chromium is missing.
    if (site != null) {
      site.close();
      browser.close();
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/",
        "/papers/2001.04438",
        "/operators",
        "/operators/softmax",
        "/leaderboard",
        "/runs",
        "/search?q=attention",
        "/authors",
        "/about"
      })
  void pagesAreAccessibleInLightAndDarkAndFitAPhone(String path) {
    try (BrowserContext context =
        browser.reader(
            new NewContextOptions()
                .setViewportSize(390, 844)
                // The checker runs as a script of the page.
                .setBypassCSP(true))) {
      final Page page = context.newPage();
      page.navigate(site.address() + path);
      assertThat(page.evaluate("document.documentElement.scrollWidth - innerWidth"))
          .as("how much wider than a phone " + path + " is")
          .isEqualTo(0);
      for (final ColorScheme scheme : List.of(ColorScheme.LIGHT, ColorScheme.DARK)) {
        page.emulateMedia(new Page.EmulateMediaOptions().setColorScheme(scheme));
        final List<Rule> violations = new AxeBuilder(page).withTags(WCAG).analyze().getViolations();
        assertThat(violations.stream().map(PagesTest::told)).as(path + " " + scheme).isEmpty();
      }
    }
  }

  private static String told(Rule rule) {
    return rule.getId()
        + ": "
        + rule.getHelp()
        + rule.getNodes().stream().limit(3).map(node -> "\n  " + node.getHtml()).toList();
  }

  @Test
  void thePolicyStopsNothingOfOurs() {
    final Page page = browser.desk();
    final List<String> said = new ArrayList<>();
    page.onConsoleMessage(message -> said.add(message.type() + ": " + message.text()));
    for (final String path : List.of("/", "/papers/2001.04438", "/operators/softmax")) {
      page.navigate(site.address() + path);
      page.waitForLoadState();
    }
    assertThat(said).isEmpty();
    page.context().close();
  }

  @Test
  void searchAnswersWhileOneTypes() {
    final Page page = browser.desk();
    page.navigate(site.address() + "/");
    page.getByLabel("Search papers").pressSequentially("sigmoid");
    final var suggestions = page.getByRole(AriaRole.OPTION);
    assertThat(suggestions.first()).containsText(Pattern.compile("igmoid"));
    page.keyboard().press("ArrowDown");
    page.keyboard().press("Enter");
    page.waitForURL(Pattern.compile(".*/papers/\\d{4}\\.\\d{4,5}"));
    page.context().close();
  }

  @Test
  void anOperatorAnswersWhenAnInputChanges() {
    final Page page = browser.desk();
    page.navigate(site.address() + "/operators/softmax");
    assertThat(page.locator("#outputs svg").first()).isVisible();
    final String before = page.locator("#outputs").textContent();
    page.locator("#inputs input").first().fill("9");
    assertThat(page.locator("#outputs")).not().hasText(before);
    page.locator("#beside").selectOption("two-pass-softmax");
    assertThat(page.locator("#outputs")).containsText("two-pass-softmax");
    page.context().close();
  }

  @Test
  void aResultItsRunAndItsCodeAreThreeClicksAway() {
    final Page page = browser.desk();
    page.navigate(site.address() + "/");
    page.locator("article.card .verdicts a").first().click();
    assertThat(
            page.getByRole(AriaRole.HEADING, new Page.GetByRoleOptions().setName("Measured here")))
        .isVisible();
    page.locator("ul.runs a").first().click();
    assertThat(page.locator("h1")).containsText("Run with seed");
    assertThat(page.locator("main")).containsText("steelyard reproduce");
    page.context().close();
  }

  @Test
  void withoutScriptsEverythingButTryItWorks() {
    try (BrowserContext context =
        browser.reader(new NewContextOptions().setJavaScriptEnabled(false))) {
      final Page page = context.newPage();
      page.navigate(site.address() + "/");
      page.getByLabel("Search papers").fill("softmax");
      page.keyboard().press("Enter");
      assertThat(page.locator("article.card").first()).isVisible();
      page.locator("article.card h3 a").first().click();
      assertThat(page.locator("article.paper h1")).isVisible();
      page.navigate(site.address() + "/operators/softmax");
      assertThat(page.getByText("Trying an operator here needs JavaScript")).isVisible();
    }
  }

  @Test
  void everythingCanBeReachedByKeyboard() {
    final Page page = browser.desk();
    page.navigate(site.address() + "/");
    page.keyboard().press("Tab");
    assertThat(page.locator("a.skip")).isFocused();
    page.keyboard().press("Enter");
    assertThat(page.locator("main")).isFocused();
    page.context().close();
  }

  @Test
  void theChosenColoursStay() {
    final Page page = browser.desk();
    page.navigate(site.address() + "/");
    page.locator("#theme").click();
    final Object dark = page.evaluate("getComputedStyle(document.body).backgroundColor");
    page.navigate(site.address() + "/about");
    assertThat(page.evaluate("getComputedStyle(document.body).backgroundColor")).isEqualTo(dark);
    page.context().close();
  }
}
