package io.steelyard.feed.page;

import io.steelyard.papers.catalogue.Paper;
import io.steelyard.papers.run.Run;
import java.util.List;

/**
 * One run.
 *
 * @param shell around it
 * @param run the run
 * @param paper its paper
 * @param siblings the other runs of the same paper and scale
 */
public record RunPage(Shell shell, Run run, Paper paper, List<Run> siblings) {}
