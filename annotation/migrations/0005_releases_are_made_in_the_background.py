from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("annotation", "0004_cells_are_counted_from_an_index")]

    operations = [
        migrations.AlterField(
            model_name="transfer",
            name="kind",
            field=models.CharField(
                choices=[
                    ("preview", "Preview"),
                    ("import", "Import"),
                    ("export", "Export"),
                    ("release", "Release"),
                ],
                max_length=7,
            ),
        ),
    ]
