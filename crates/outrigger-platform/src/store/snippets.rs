//! Snippets: HTML that goes into a site's pages.

use std::collections::BTreeMap;

use outrigger_addon::instances::SnippetPosition;
use outrigger_db::Tx;
use sea_orm::entity::prelude::*;
use sea_orm::{QueryOrder, Set};

use super::ids::{InstanceId, SiteId, SnippetId};
use super::{Store, StoreError, Time};

/// A snippet of a site; `instance_id` says who yields it, `None` when people edit it by hand.
pub type Snippet = snippet::Model;

pub(super) mod snippet {
    use super::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "snippet")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: SnippetId,
        pub site_id: SiteId,
        pub instance_id: Option<InstanceId>,
        pub title: String,
        pub position: String,
        pub html: String,
        /// Off: it is in no page, and stays for when it is switched on again.
        pub enabled: bool,
        /// Percent of the visitors in whose pages it is.
        pub share: i32,
        pub created_at: Time,
        pub updated_at: Time,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

impl Snippet {
    /// Where in a page it goes.
    pub fn position(&self) -> SnippetPosition {
        match self.position.as_str() {
            "footer" => SnippetPosition::Footer,
            _ => SnippetPosition::Head,
        }
    }
}

/// What a snippet shall be.
#[derive(Clone, Debug)]
pub struct NewSnippet {
    pub title: String,
    pub position: SnippetPosition,
    pub html: String,
}

fn position_text(position: SnippetPosition) -> String {
    match position {
        SnippetPosition::Head => "head".to_owned(),
        SnippetPosition::Footer => "footer".to_owned(),
    }
}

impl Store {
    /// The snippets of a site in the order they go into a page.
    pub async fn snippets_of_site(&self, site: &SiteId) -> Result<Vec<Snippet>, StoreError> {
        Ok(snippet::Entity::find()
            .filter(snippet::Column::SiteId.eq(site.clone()))
            .order_by_asc(snippet::Column::Id)
            .all(self.db.conn())
            .await?)
    }

    /// The slugs of the add-ons whose these snippets are, by instance.
    pub async fn owners_of_snippets(
        &self,
        site: &SiteId,
        snippets: &[Snippet],
    ) -> Result<BTreeMap<InstanceId, String>, StoreError> {
        let of_site = snippets.iter().filter(|snippet| snippet.site_id == *site);
        self.addon_slugs(of_site.filter_map(|snippet| snippet.instance_id.clone()), self.db.conn()).await
    }

    /// What an instance yielded.
    pub async fn snippets_of_instance(
        &self,
        site: &SiteId,
        tx: &Tx,
        owner: &InstanceId,
    ) -> Result<Vec<Snippet>, StoreError> {
        Ok(snippet::Entity::find()
            .filter(snippet::Column::SiteId.eq(site.clone()))
            .filter(snippet::Column::InstanceId.eq(owner.clone()))
            .all(&**tx)
            .await?)
    }

    /// One snippet of a site.
    pub async fn find_snippet(&self, site: &SiteId, id: &SnippetId) -> Result<Option<Snippet>, StoreError> {
        Ok(snippet::Entity::find_by_id(id.clone())
            .filter(snippet::Column::SiteId.eq(site.clone()))
            .one(self.db.conn())
            .await?)
    }

    /// Adds a snippet behind those that are there.
    pub async fn insert_snippet(
        &self,
        site: &SiteId,
        tx: &Tx,
        owner: Option<&InstanceId>,
        new: NewSnippet,
    ) -> Result<Snippet, StoreError> {
        let now = self.now();
        let snippet = Snippet {
            id: SnippetId::generate(self.clock(), self.entropy()),
            site_id: site.clone(),
            instance_id: owner.cloned(),
            title: new.title,
            position: position_text(new.position),
            html: new.html,
            enabled: true,
            share: 100,
            created_at: now,
            updated_at: now,
        };
        let row: snippet::ActiveModel = snippet.clone().into();
        snippet::Entity::insert(row).exec_without_returning(&**tx).await?;
        self.reroute(site, tx);
        Ok(snippet)
    }

    /// Changes a snippet; false when the site has no such snippet.
    pub async fn update_snippet(
        &self,
        site: &SiteId,
        tx: &Tx,
        id: &SnippetId,
        new: NewSnippet,
    ) -> Result<bool, StoreError> {
        let row = snippet::ActiveModel {
            title: Set(new.title),
            position: Set(position_text(new.position)),
            html: Set(new.html),
            updated_at: Set(self.now()),
            ..Default::default()
        };
        let updated = snippet::Entity::update_many()
            .set(row)
            .filter(snippet::Column::Id.eq(id.clone()))
            .filter(snippet::Column::SiteId.eq(site.clone()))
            .exec(&**tx)
            .await?;
        self.reroute(site, tx);
        Ok(updated.rows_affected == 1)
    }

    /// Switches a snippet on or off, and says in how many percent of the visitors' pages it is.
    pub async fn roll_out_snippet(
        &self,
        site: &SiteId,
        tx: &Tx,
        id: &SnippetId,
        enabled: bool,
        share: i32,
    ) -> Result<(), StoreError> {
        let row = snippet::ActiveModel {
            enabled: Set(enabled),
            share: Set(share),
            updated_at: Set(self.now()),
            ..Default::default()
        };
        snippet::Entity::update_many()
            .set(row)
            .filter(snippet::Column::Id.eq(id.clone()))
            .filter(snippet::Column::SiteId.eq(site.clone()))
            .exec(&**tx)
            .await?;
        self.reroute(site, tx);
        Ok(())
    }

    /// Deletes a snippet of a site.
    pub async fn delete_snippet(&self, site: &SiteId, tx: &Tx, id: &SnippetId) -> Result<(), StoreError> {
        snippet::Entity::delete_by_id(id.clone()).filter(snippet::Column::SiteId.eq(site.clone())).exec(&**tx).await?;
        self.reroute(site, tx);
        Ok(())
    }

    /// Deletes what an instance yielded.
    pub async fn delete_snippets_of_instance(
        &self,
        site: &SiteId,
        tx: &Tx,
        owner: &InstanceId,
    ) -> Result<(), StoreError> {
        snippet::Entity::delete_many()
            .filter(snippet::Column::SiteId.eq(site.clone()))
            .filter(snippet::Column::InstanceId.eq(owner.clone()))
            .exec(&**tx)
            .await?;
        self.reroute(site, tx);
        Ok(())
    }
}
