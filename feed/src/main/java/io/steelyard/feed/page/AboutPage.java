package io.steelyard.feed.page;

import java.util.Map;

/**
 * About the site.
 *
 * @param shell around it
 * @param papers how many papers
 * @param verdicts how many claims have which verdict
 * @param contact whom to write to, empty for nobody
 * @param version of Steelyard
 */
public record AboutPage(
    Shell shell, long papers, Map<String, Integer> verdicts, String contact, String version) {}
