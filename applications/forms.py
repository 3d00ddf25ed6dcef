"""The form that takes a package."""

from django import forms

#: What a browser should offer; what comes is judged by its content.
ACCEPTED = ".yaml,.yml,.tar.gz,.tgz,.zip"


class PackageForm(forms.Form):
    """One file: a description, or a package with its resources."""

    package = forms.FileField(
        label="Package",
        help_text="A margo.yaml, or a .tar.gz or .zip that holds one with its icon and texts.",
        widget=forms.ClearableFileInput(attrs={"accept": ACCEPTED}),
    )
