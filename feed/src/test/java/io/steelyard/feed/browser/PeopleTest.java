package io.steelyard.feed.browser;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;

import com.deque.html.axecore.playwright.AxeBuilder;
import com.microsoft.playwright.Browser.NewContextOptions;
import com.microsoft.playwright.BrowserContext;
import com.microsoft.playwright.Page;
import com.microsoft.playwright.options.AriaRole;
import io.steelyard.feed.configuration.Setting;
import io.steelyard.feed.configuration.Settings;
import io.steelyard.feed.site.Site;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/** Signing up, voting, saving and commenting, without scripts. */
class PeopleTest {

  /**
   * By the keyboard: before a click Playwright waits until a button stays where it is, and with
   * scripts off, on a page that scrolls smoothly, it has been seen to wait for ever.
   */
  private static void press(Page page, String button) {
    page.getByRole(AriaRole.BUTTON, new Page.GetByRoleOptions().setName(button).setExact(true))
        .press("Enter");
  }

  @Test
  void aReaderSignsUpVotesSavesAndComments() {
    try (Browser browser = Browser.start();
        Site site =
            Site.start(
                Settings.with(
                    Map.of(
                        Setting.PORT, "0",
                        Setting.DB, "jdbc:h2:mem:" + UUID.randomUUID() + ";DB_CLOSE_DELAY=-1",
                        Setting.RUNS, "no-such-folder")));
        BrowserContext context =
            browser.reader(
                new NewContextOptions().setJavaScriptEnabled(false).setViewportSize(390, 844))) {
      final Page page = context.newPage();
      page.navigate(site.address() + "/papers/2001.04438");
      page.getByRole(AriaRole.LINK, new Page.GetByRoleOptions().setName("Sign in").setExact(true))
          .first()
          .click();
      page.getByRole(AriaRole.LINK, new Page.GetByRoleOptions().setName("Sign up")).click();
      page.getByLabel("Name").fill("Ada");
      page.getByLabel("E-mail").fill("ada@example.org");
      page.getByLabel("Password").fill("correct horse battery");
      press(page, "Sign up");
      assertThat(page.locator("h1")).hasText("Ada");

      page.navigate(site.address() + "/papers/2001.04438");
      press(page, "Vote · 0");
      assertThat(page.getByRole(AriaRole.BUTTON, new Page.GetByRoleOptions().setName("Voted · 1")))
          .isVisible();
      press(page, "Save to reading list");
      page.getByLabel("Your comment").fill("As fast as $2^{24}$ says, @ada.");
      press(page, "Comment");
      assertThat(page.locator(".remark math")).isVisible();

      page.getByRole(AriaRole.LINK, new Page.GetByRoleOptions().setName("Ada").setExact(true))
          .first()
          .press("Enter");
      assertThat(page.getByText("The Two-Pass Softmax Algorithm").first()).isVisible();
      press(page, "Sign out");
      assertThat(page.getByText("Sign in").first()).isVisible();
    }
  }

  @Test
  void formsAreAccessible() {
    try (Browser browser = Browser.start();
        Site site =
            Site.start(
                Settings.with(
                    Map.of(
                        Setting.PORT, "0",
                        Setting.DB, "jdbc:h2:mem:" + UUID.randomUUID() + ";DB_CLOSE_DELAY=-1",
                        Setting.RUNS, "no-such-folder",
                        Setting.MAIL_HOST, "127.0.0.1",
                        Setting.MAIL_FROM, "papers@example.org")));
        BrowserContext context =
            browser.reader(new NewContextOptions().setBypassCSP(true).setViewportSize(390, 844))) {
      final Page page = context.newPage();
      for (final String path : List.of("/sign-in", "/sign-up", "/forgot", "/feeds")) {
        page.navigate(site.address() + path);
        assertThat(
                new AxeBuilder(page)
                        .withTags(List.of("wcag2a", "wcag2aa", "wcag21a", "wcag21aa"))
                        .analyze()
                        .getViolations()
                        .stream()
                        .map(rule -> rule.getId() + rule.getNodes().getFirst().getHtml()))
            .as(path)
            .isEmpty();
        assertThat(page.evaluate("document.documentElement.scrollWidth - innerWidth"))
            .as(path)
            .isEqualTo(0);
      }
    }
  }
}
