/** What readers bring and moderators decide: papers, corrections, authorship. */
package io.steelyard.feed.contribution;
