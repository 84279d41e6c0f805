package io.steelyard.feed.page;

import io.steelyard.papers.run.Run;
import java.util.List;

/**
 * All runs.
 *
 * @param shell around it
 * @param runs the runs, the newest first
 */
public record RunsPage(Shell shell, List<Run> runs) {}
