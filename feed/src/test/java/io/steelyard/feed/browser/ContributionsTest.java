package io.steelyard.feed.browser;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;

import com.deque.html.axecore.playwright.AxeBuilder;
import com.microsoft.playwright.Browser.NewContextOptions;
import com.microsoft.playwright.BrowserContext;
import com.microsoft.playwright.Page;
import com.microsoft.playwright.options.AriaRole;
import com.sun.net.httpserver.HttpServer;
import io.steelyard.feed.account.Accounts;
import io.steelyard.feed.account.Viewer;
import io.steelyard.feed.configuration.Setting;
import io.steelyard.feed.configuration.Settings;
import io.steelyard.feed.paper.ArxivId;
import io.steelyard.feed.paper.Author;
import io.steelyard.feed.paper.Publications;
import io.steelyard.feed.site.Site;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * A reader submits a paper, corrects one and says to be an author; a moderator decides. By mouse
 * and keyboard, on a telephone, and every page is looked at for those who cannot see it.
 */
class ContributionsTest {

  private static final String PAPER = "/papers/2001.04438";

  private HttpServer arxiv;

  /** In place of arXiv: whatever it is asked for, it knows two papers. */
  @BeforeEach
  void start() throws IOException {
    arxiv = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    arxiv.createContext(
        "/",
        exchange -> {
          try (exchange;
              InputStream in =
                  Publications.class.getResourceAsStream("/io/steelyard/feed/harvest/query.xml")) {
            final byte[] body = in.readAllBytes();
            exchange.sendResponseHeaders(200, body.length);
            exchange.getResponseBody().write(body);
          }
        });
    arxiv.start();
  }

  @AfterEach
  void stop() {
    arxiv.stop(0);
  }

  private Site site() {
    return Site.start(
        Settings.with(
            Map.of(
                Setting.PORT,
                "0",
                Setting.DB,
                "jdbc:h2:mem:" + UUID.randomUUID() + ";DB_CLOSE_DELAY=-1",
                Setting.RUNS,
                "no-such-folder",
                Setting.IMPORT_BASE,
                "http://127.0.0.1:" + arxiv.getAddress().getPort())));
  }

  /** Somebody who has signed up, on a telephone; axe needs its own script past the policy. */
  private static Page member(BrowserContext context, Site site, String name) {
    final Page page = context.newPage();
    page.navigate(site.address() + "/sign-up");
    page.getByLabel("Name").fill(name);
    page.getByLabel("E-mail").fill(name + "@example.org");
    page.getByLabel("Password").fill("correct horse battery");
    press(page, "Sign up");
    assertThat(page.locator("h1")).hasText(name);
    return page;
  }

  private static Page moderator(BrowserContext context, Site site) {
    final Page page = member(context, site, "Mod");
    site.database()
        .write(
            handle -> {
              final Accounts accounts = new Accounts(handle);
              accounts.role(accounts.byName("mod").orElseThrow().id(), Viewer.Role.MODERATOR);
              return page;
            });
    return page;
  }

  private static BrowserContext telephone(Browser browser) {
    return browser.reader(new NewContextOptions().setBypassCSP(true).setViewportSize(390, 844));
  }

  private static void press(Page page, String button) {
    page.getByRole(AriaRole.BUTTON, new Page.GetByRoleOptions().setName(button).setExact(true))
        .first()
        .click();
  }

  private static void follow(Page page, String link) {
    page.getByRole(AriaRole.LINK, new Page.GetByRoleOptions().setName(link).setExact(true))
        .first()
        .click();
  }

  private static void isAccessible(Page page) {
    assertThat(
            new AxeBuilder(page)
                    .withTags(List.of("wcag2a", "wcag2aa", "wcag21a", "wcag21aa"))
                    .analyze()
                    .getViolations()
                    .stream()
                    .map(rule -> rule.getId() + " " + rule.getNodes().getFirst().getHtml()))
        .as(page.url())
        .isEmpty();
    assertThat(page.evaluate("document.documentElement.scrollWidth - innerWidth"))
        .as("width of " + page.url())
        .isEqualTo(0);
  }

  @Test
  void aPaperIsSubmittedByItsId() {
    try (Browser browser = Browser.start();
        Site site = site();
        BrowserContext one = telephone(browser);
        BrowserContext other = telephone(browser)) {
      final Page ada = member(one, site, "Ada");
      final Page mod = moderator(other, site);
      ada.navigate(site.address() + "/search?q=2101.00001");
      follow(ada, "Submit 2101.00001 to this site");
      assertThat(ada.getByLabel("arXiv id or address")).hasValue("2101.00001");
      ada.getByLabel("arXiv id or address").fill("what I read yesterday");
      press(ada, "Submit it");
      assertThat(ada.getByText("is no arXiv id")).isVisible();
      isAccessible(ada);
      ada.getByLabel("arXiv id or address").fill("https://arxiv.org/abs/2101.00001");
      ada.getByLabel("Why it belongs here").fill("It compares.");
      ada.getByLabel("Why it belongs here").press("Enter");
      assertThat(ada.getByText("A moderator looks at 2101.00001")).isVisible();
      ada.navigate(site.address() + "/account");
      assertThat(ada.getByText("Paper 2101.00001")).isVisible();
      isAccessible(ada);

      mod.navigate(site.address() + "/moderation");
      assertThat(mod.getByText("It compares.")).isVisible();
      isAccessible(mod);
      press(mod, "Accept");
      ada.navigate(site.address() + "/papers/2101.00001");
      assertThat(ada.locator("h1")).isVisible();
      ada.navigate(site.address() + "/submit");
      ada.getByLabel("arXiv id or address").fill("2101.00001");
      press(ada, "Submit it");
      assertThat(ada).hasURL(site.address() + "/papers/2101.00001");
    }
  }

  @Test
  void aCorrectionStandsInTheHistory() {
    try (Browser browser = Browser.start();
        Site site = site();
        BrowserContext one = telephone(browser);
        BrowserContext other = telephone(browser)) {
      final Page ada = member(one, site, "Ada");
      final Page mod = moderator(other, site);
      ada.navigate(site.address() + PAPER + "/correct");
      isAccessible(ada);
      assertThat(ada.getByLabel("Title")).hasValue("The Two-Pass Softmax Algorithm");
      ada.getByLabel("Title").fill("The two-pass softmax, $2^{24}$ and <b>more</b>");
      ada.getByLabel("Why").fill("As printed.");
      ada.getByLabel("Why").press("Enter");
      assertThat(ada.locator("h1")).hasText("Thank you");

      mod.navigate(site.address() + "/moderation");
      assertThat(mod.locator("ins")).hasText("The two-pass softmax, $2^{24}$ and <b>more</b>");
      isAccessible(mod);
      press(mod, "Accept");
      ada.navigate(site.address() + PAPER);
      assertThat(ada.locator("h1 math")).isVisible();
      assertThat(ada.locator("h1 b")).hasCount(0);
      ada.navigate(site.address() + PAPER + "/history");
      assertThat(ada.locator("del")).hasText("The Two-Pass Softmax Algorithm");
      assertThat(ada.getByText("accepted by Mod")).isVisible();
      assertThat(ada.getByText("As printed.")).isVisible();
      isAccessible(ada);
    }
  }

  @Test
  void anAuthorSaysSoAndIsConfirmed() {
    try (Browser browser = Browser.start();
        Site site = site();
        BrowserContext one = telephone(browser);
        BrowserContext other = telephone(browser)) {
      site.database()
          .write(
              handle -> {
                final Publications store = new Publications(handle);
                return store.take(
                    store
                        .find(new ArxivId("2001.04438"))
                        .orElseThrow()
                        .withAuthors(List.of(new Author("Ada Example"), new Author("Bob Sample"))));
              });
      final Page ada = member(one, site, "Ada");
      final Page mod = moderator(other, site);
      ada.navigate(site.address() + PAPER + "/claim");
      isAccessible(ada);
      ada.getByLabel("I am").selectOption("Bob Sample");
      ada.getByLabel("How one can see that").fill("https://bob.example.org names both.");
      press(ada, "Ask");
      assertThat(ada.locator("h1")).hasText("Thank you");
      ada.navigate(site.address() + PAPER);
      assertThat(ada.getByText("is Ada here")).hasCount(0);

      mod.navigate(site.address() + "/moderation");
      assertThat(mod.getByText("Ada says to be Bob Sample")).isVisible();
      isAccessible(mod);
      press(mod, "Accept");
      ada.navigate(site.address() + PAPER);
      assertThat(ada.getByText("is Ada here").first()).isVisible();
      isAccessible(ada);
      ada.navigate(site.address() + "/authors/bob-sample");
      assertThat(ada.getByText("on this site is the author of")).isVisible();
      isAccessible(ada);
    }
  }
}
