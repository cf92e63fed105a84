"""The GraphQL documents that are sent, and nothing else. Each is valid against GitHub's published schema."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

TIP: Final = """
fragment tip on Ref { name target { oid ... on Commit { tree { oid } } } }"""

PULL_ROW: Final = """
fragment row on PullRequest {
  id number url headRefName baseRefName headRefOid isDraft isCrossRepository author { __typename login }
}"""


BRANCH: Final = """    branch: ref(qualifiedName: $branch) { name prefix target { oid } }
    mine: pullRequests(states: OPEN, headRefName: $head, first: 20) { nodes { ...row } }
"""

WORN: Final = """author { __typename login }
      labels(first: 100) { nodes { name } } assignees(first: 100) { nodes { login } }
      reviewRequests(first: 100) { nodes { requestedReviewer { ... on User { login } ... on Team { slug } } } }
      latestReviews(first: 100) { nodes { author { __typename login } } }"""


def look(*, base_named: bool, branch_named: bool = False, oids: Sequence[str] = ()) -> str:
    """One look at a repository: its settings, its base, our branches, its open pull requests, and some files.

    Variables: owner, name, prefix and temporary (``refs/heads/...``), base (a full ref name) when it is named, and
    branch and head (the full and the short name of one branch) when that is. The files come as ``b0``, ``b1``, ... in
    the order of ``oids``.
    """
    variables = "$owner: String!, $name: String!, $prefix: String!, $temporary: String!"
    variables += ", $base: String!" if base_named else ""
    variables += ", $branch: String!, $head: String!" if branch_named else ""
    base = "base: ref(qualifiedName: $base) { ...tip }" if base_named else "base: defaultBranchRef { ...tip }"
    branch = BRANCH if branch_named else ""
    return f"""query Look({variables}) {{
  viewer {{ login }}
  repository(owner: $owner, name: $name) {{
    id nameWithOwner url isArchived autoMergeAllowed mergeCommitAllowed squashMergeAllowed rebaseMergeAllowed
    {base}
    refs(refPrefix: $prefix, first: 100) {{ pageInfo {{ hasNextPage }} nodes {{ name prefix target {{ oid }} }} }}
    temporary: refs(refPrefix: $temporary, first: 20) {{ nodes {{ name prefix }} }}
    pullRequests(states: OPEN, first: 100, orderBy: {{field: UPDATED_AT, direction: DESC}}) {{
      pageInfo {{ hasNextPage }} nodes {{ ...row }}
    }}
{branch}{_blobs(oids)}
  }}
}}{TIP}{PULL_ROW}"""


def blobs(oids: Sequence[str]) -> str:
    """Many files in one answer, ``b0``, ``b1``, ... in the order given. Variables: owner, name."""
    return f"""query Blobs($owner: String!, $name: String!) {{
  repository(owner: $owner, name: $name) {{
{_blobs(oids)}
  }}
}}"""


def _blobs(oids: Sequence[str]) -> str:
    return "\n".join(
        f'    b{number}: object(oid: "{oid}") {{ ... on Blob {{ oid text isTruncated }} }}'
        for number, oid in enumerate(oids)
    )


CREATE_BRANCH_AND_COMMIT: Final = """mutation Propose($ref: CreateRefInput!, $commit: CreateCommitOnBranchInput!) {
  createRef(input: $ref) { ref { name } }
  createCommitOnBranch(input: $commit) { commit { oid url signature { isValid state } } }
}"""

CREATE_BRANCH_AND_PULL: Final = """mutation Open($ref: CreateRefInput!, $pull: CreatePullRequestInput!) {
  createRef(input: $ref) { ref { name } }
  createPullRequest(input: $pull) { pullRequest { id number url } }
}"""

COMMIT: Final = """mutation Commit($commit: CreateCommitOnBranchInput!) {
  createCommitOnBranch(input: $commit) { commit { oid url signature { isValid state } } }
}"""

UPDATE_REFS: Final = """mutation Move($move: UpdateRefsInput!) {
  updateRefs(input: $move) { clientMutationId }
}"""

TO_DRAFT: Final = """mutation ToDraft($id: ID!) {
  convertPullRequestToDraft(input: {pullRequestId: $id}) { pullRequest { isDraft } }
}"""

TO_READY: Final = """mutation ToReady($id: ID!) {
  markPullRequestReadyForReview(input: {pullRequestId: $id}) { pullRequest { isDraft } }
}"""

DISARM: Final = """mutation Disarm($id: ID!) {
  disablePullRequestAutoMerge(input: {pullRequestId: $id}) { pullRequest { id } }
}"""

ARM: Final = """mutation Arm($arm: EnablePullRequestAutoMergeInput!) {
  enablePullRequestAutoMerge(input: $arm) { pullRequest { autoMergeRequest { mergeMethod } } }
}"""

DEQUEUE: Final = """mutation Dequeue($id: ID!) {
  dequeuePullRequest(input: {id: $id}) { mergeQueueEntry { state } }
}"""

ENQUEUE: Final = """mutation Enqueue($enqueue: EnqueuePullRequestInput!) {
  enqueuePullRequest(input: $enqueue) { mergeQueueEntry { state } }
}"""


def pull(*, queue_known: bool, with_text: bool) -> str:
    """One pull request as it stands. Variables: owner, name, number, and base (a branch) on a server with queues."""
    variables = "$owner: String!, $name: String!, $number: Int!" + (", $base: String!" if queue_known else "")
    queue = "mergeQueue(branch: $base) { id }" if queue_known else ""
    entry = "isInMergeQueue" if queue_known else ""
    text = f"title body {WORN}" if with_text else ""
    return f"""query Pull({variables}) {{
  repository(owner: $owner, name: $name) {{
    {queue}
    pullRequest(number: $number) {{
      id number url state isDraft headRefOid mergeable mergeStateStatus {entry} {text}
      autoMergeRequest {{ mergeMethod }}
    }}
  }}
}}"""


def bodies(numbers: Sequence[int]) -> str:
    """Texts and commits of several pull requests, ``p0``, ``p1``, ... Variables: owner, name."""
    lines = "\n".join(
        f"    p{place}: pullRequest(number: {number}) {{ ...full }}" for place, number in enumerate(numbers)
    )
    return f"""query Bodies($owner: String!, $name: String!) {{
  repository(owner: $owner, name: $name) {{
{lines}
  }}
}}
fragment full on PullRequest {{
  number headRefName body
  commits(first: 100) {{ totalCount nodes {{ commit {{
    message authoredDate committedDate author {{ ...who }} committer {{ ...who }} signature {{ isValid }}
  }} }} }}
}}
fragment who on GitActor {{ name user {{ login }} }}"""


PROTECTION: Final = """query Protection($owner: String!, $name: String!, $base: String!) {
  repository(owner: $owner, name: $name) {
    ref(qualifiedName: $base) {
      refUpdateRule {
        requiredStatusCheckContexts requiredApprovingReviewCount requiresCodeOwnerReviews
        requiresSignatures requiresLinearHistory
      }
    }
  }
}"""
